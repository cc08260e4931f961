# The article, and what stands around it
article-sources = Fuentes
article-sponsor = Quién paga esto:
article-review-pending = Última edición: <time datetime="{ $date }">{ date-year }</time>. La revisión médica está pendiente.
article-review-done = Última edición: <time datetime="{ $date }">{ date-year }</time>. Revisado por { $reviewer }.
related-title = También le puede interesar
related-sign-up = Inscribirse en la página principal
series-list-title = Nuestras series por correo electrónico
series-list-lead = Cada una comienza con un artículo que puede leer ahora mismo.

# Was this helpful?
helpful-question = ¿Le fue útil?
helpful-yes = Sí
helpful-no = No
helpful-count = { $all ->
    [0] Todavía no ha respondido nadie.
    [1] { $yes ->
        [0] Ha respondido una persona, y no le fue útil.
       *[other] Ha respondido una persona, y le fue útil.
     }
   *[other] A { $yes } de { $all } personas les fue útil.
 }
helpful-once-more-yes = Eligió <strong>Sí</strong>. Por favor, púlselo una vez más y lo contaremos. La segunda pulsación mantiene fuera a los robots y no cuenta a nadie dos veces.
helpful-once-more-no = Eligió <strong>No</strong>. Por favor, púlselo una vez más y lo contaremos. La segunda pulsación mantiene fuera a los robots y no cuenta a nadie dos veces.
helpful-thanks = Gracias
helpful-said-yes = Le fue útil: <strong>{ $title }</strong>
helpful-said-no = No le fue útil: <strong>{ $title }</strong>
helpful-change-yes = Quise decir que sí
helpful-change-no = Quise decir que no
helpful-privacy = Contamos su respuesta y no guardamos con ella nada sobre usted.
helpful-back = Volver al artículo
helpful-failed = No se pudo contar en este momento. Inténtelo de nuevo en un minuto.

# Sharing
share-title = Comparta esta página
share-mail = Enviar por correo
share-device = Compartir
share-copy = Copiar el enlace
share-copied = El enlace está copiado.
share-not-copied = No se pudo copiar el enlace. Está en la barra de direcciones de su navegador.
share-privacy = Se abre su propio programa de correo. Nosotros no enviamos nada ni sabemos a quién escribe.
share-subject = Un artículo: { $title }
share-body = Encontré este artículo y pensé que le podría interesar: { $url }

# The survey
survey-offer = Unas preguntas breves
survey-offer-what = { $minutes ->
    [one] Alrededor de un minuto. Sus respuestas son anónimas y puede dejar cualquier pregunta sin responder.
   *[other] Alrededor de { $minutes } minutos. Sus respuestas son anónimas y puede dejar cualquier pregunta sin responder.
 }
survey-offer-go = Responder las preguntas
survey-leave = Antes de irse
survey-dismiss = No, gracias
survey-how-long = { $minutes ->
    [one] Toma alrededor de un minuto. Puede dejar cualquier pregunta sin responder.
   *[other] Toma alrededor de { $minutes } minutos. Puede dejar cualquier pregunta sin responder.
 }
survey-stale = Por favor, pulse «Enviar» una vez más
survey-stale-what = Esta página estuvo abierta mucho tiempo. Sus respuestas siguen aquí.
survey-send = Enviar
survey-clear = Borrar mis respuestas
survey-privacy = Sumamos sus respuestas a recuentos por día. No las guardamos juntas, ni con una dirección ni con nada más sobre usted.
survey-thanks = Gracias
survey-thanks-lead = Sus respuestas nos ayudan a mejorar esta página.

# The survey's figures, for admins
figures-title = Respuestas: { $title }
figures-before = Todos los días anteriores al { date-year } (UTC)
figures-rule = Los recuentos menores de { $smallest } no se muestran, y los demás se redondean hacia abajo a un múltiplo de { $smallest }. Las respuestas de hoy aparecen mañana. Así no se puede distinguir ninguna respuesta en las cifras.
figures-forms = Han respondido al menos { $forms } personas.
figures-no-forms = Han respondido menos de { $smallest } personas.
figures-csv = Todas las cifras en CSV
figures-many = (se podían elegir varias respuestas)
figures-answer = Respuesta
figures-count = Recuento
figures-bar = Barra
figures-at-least = { $count } o más
figures-few = menos de { $smallest }
