# La página propia del lector
manage-title = Su serie
manage-pending = A la espera de su confirmación
manage-active = La serie está en camino
manage-paused = En pausa
manage-paused-until = En pausa hasta el { date-long }
manage-complete = Ha recibido todas las partes
manage-stopped = Cancelada
manage-received = { $received } de { $parts ->
    [1] 1 parte recibida
   *[other] { $parts } partes recibidas
 }
manage-next = La parte { $part } llega el { date-long }, hacia las { $time }, hora de usted ({ $zone }).
manage-on-its-way = La parte { $part } está en camino.
manage-series-paused = La redacción ha puesto la serie en pausa para todos. Continuará cuando la reanude, y usted no tiene que hacer nada.
manage-while-paused = Mientras la serie está en pausa no se envía ninguna parte. Cuando la reanude, continuará donde la dejó.
manage-while-paused-until = Antes de ese día no se envía ninguna parte. Después, la serie continúa por sí sola donde la dejó.
manage-elsewhere = Puede cancelarla desde aquí, con el botón al final de esta página. No mostramos la dirección, porque un correo se puede reenviar. La lista de abajo es la de lo que llegó aquí.
manage-may-move = Alguien con un enlace que enviamos a su dirección nos pidió que enviáramos la serie a otra dirección. Si esa dirección lo confirma en el plazo de un día, la serie continúa allí. Hasta entonces aquí no cambia nada.
manage-stay = Seguir en esta dirección
manage-ended = No hay más correos previstos de esta serie. Si quiere empezar de nuevo, pida el enlace de más abajo.
manage-resume = Reanudar la serie
manage-now = Enviarme ya la parte siguiente
manage-parts = Todas las partes
manage-part = Parte { $part }:
manage-times = Todas las horas son las de su reloj ({ $zone }). Las partes posteriores son una previsión: cada una sigue a la anterior.
manage-choices = Cambiar su plan
manage-pause = Poner la serie en pausa
manage-pause-longer = Cambiar el final de la pausa
manage-pause-until = En pausa hasta
manage-pause-hint = Ese día la serie continúa por sí sola.
manage-pause-date = Pausar hasta ese día
manage-pause-open = Pausar hasta que yo vuelva
manage-spacing = Más despacio o más deprisa
manage-spacing-between = Tiempo entre dos partes
manage-spacing-series = Como lo tiene la serie
manage-spacing-days = { $days ->
    [1] 1 día
   *[other] { $days } días
 }
manage-clock = Zona horaria y hora
manage-zone = Su zona horaria
manage-hour = Hora a la que llegan las partes
manage-hour-series = Como lo tiene la serie ({ $time })
manage-save = Guardar
manage-calendar = Añadir las partes a mi calendario
manage-calendar-what = Un archivo para su programa de calendario, con las partes que faltan. No nombra ni la serie ni ninguna enfermedad. No cambia por sí solo: descárguelo de nuevo cuando haya cambiado su plan.
manage-calendar-file = Archivo de calendario (.ics)
manage-more = Enfermedad, dirección, sus datos
manage-more-what = Para cambiar la enfermedad o la dirección de correo, empezar de nuevo, llevarse una copia de lo que hemos guardado sobre usted o hacer que se borre, necesita un enlace que enviamos a su dirección. Funciona durante 15 minutos. Así nadie puede hacerlo con un correo que usted haya reenviado.
manage-more-button = Enviarme el enlace
manage-stop = Cancelar la serie

# Una parte en el calendario
part-received = Recibida
part-received-on = Recibida el { date-long }
part-on-its-way = En camino
part-next = Llega el { date-long }, hacia las { $time }
part-later = Prevista para el { date-long }, hacia las { $time }
part-waits = Aún por llegar
part-unclear = No pudimos averiguar si esta parte le llegó. Puede leerla aquí.
part-refused = Su proveedor de correo no aceptó esta parte, así que no pudimos entregarla.
part-left-out = Omitida; la serie continuó con la parte siguiente
part-not-coming = No prevista
part-back = Volver a su serie

# El archivo para programas de calendario: otros pueden ver lo que hay en un calendario
calendar-event = Serie por correo: parte { $part } de { $parts }

# Lo que se acaba de hacer
said-saved = Su cambio está guardado.
said-hurried = La parte siguiente está en camino. Debería llegar a su buzón en unos minutos.
said-nothing = No había nada que cambiar.
said-date = No se cambió nada: elija un día posterior a hoy y dentro de un año.
said-choice = No se cambió nada: elija de la lista.
said-condition = Su enfermedad está cambiada. La parte siguiente lleva el pasaje correspondiente.
said-address = Si esta dirección puede recibir la serie, le hemos enviado un correo con un enlace para confirmar. Hasta que se pulse, no cambia nada.
said-stays = La serie se queda en esta dirección.
said-again = La serie empieza de nuevo. El primer correo debería llegar a su buzón en unos minutos.

# Detrás de un enlace reciente
fresh-title = Más ajustes
fresh-lead = Esta página funciona durante 15 minutos desde que le enviamos el enlace. Por su seguridad, no muestra ni su dirección ni su enfermedad.
fresh-condition = Cambiar la enfermedad
fresh-condition-which = ¿Qué enfermedad le interesa más?
fresh-condition-hint = Guardamos su respuesta cifrada. Las partes que faltan llevarán el pasaje correspondiente.
fresh-address = Cambiar la dirección de correo
fresh-address-new = Su nueva dirección de correo
fresh-address-hint = Enviamos un enlace para confirmar a la nueva dirección. El enlace funciona durante un día. Cuando lo pulse, la serie continúa allí, con la parte siguiente según lo previsto. La dirección anterior recibe un aviso de que se ha trasladado y, después, ninguna parte más.
fresh-address-button = Usar esta dirección
fresh-again = Empezar de nuevo
fresh-again-start = Empezar por la primera parte
fresh-again-there = Continuar donde lo dejé
fresh-export = Llevarme una copia de mis datos
fresh-export-what = Un archivo con todo lo que hemos guardado sobre usted: su dirección y su enfermedad, su plan, lo que aceptó y cada correo que le enviamos. Guárdelo en un lugar seguro.
fresh-export-button = Descargar mis datos
fresh-erase = Borrar mis datos
fresh-erase-what = Borramos su dirección, su enfermedad, su plan, lo que aceptó y la lista de lo que le enviamos. La serie termina y los enlaces de sus correos dejan de funcionar. No se puede deshacer. Solo quedan recuentos que no nombran a nadie.
fresh-erase-stays = Una excepción: si su dirección está en nuestra lista de direcciones a las que nunca se debe escribir, sigue en ella, para que podamos cumplir esa promesa.
fresh-erase-button = Borrar todo sobre mí
fresh-sent-lead = Si podemos escribir a su dirección, un enlace está en camino. Funciona durante 15 minutos.
fresh-sent-nothing = Enviamos como máximo tres de estos enlaces al día, y solo uno cada pocos minutos. Si no lo ve, mire en su carpeta de correo no deseado.
fresh-expired-lead = Por su seguridad, este enlace solo funciona durante 15 minutos. Podemos enviarle uno nuevo.
erased-title = Todo está borrado
erased-lead = Hemos borrado lo que habíamos guardado sobre usted.
erased-on-its-way = Un correo que se estuviera enviando en este momento aún puede llegar.

part-your-condition = su enfermedad
part-passage-left-out = Este pasaje no se muestra aquí, porque un enlace se puede reenviar. Está en el propio correo, y detrás del enlace «Ver en el navegador» de ese correo.
