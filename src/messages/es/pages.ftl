# The reader's pages. `<strong>` and links are allowed where a template asks with `th`.

# Every page
shell-skip = Ir al texto
shell-start = Página de inicio
shell-sign-up = Inscribirse
shell-disclaimer = Compartimos información general. No puede reemplazar a su médico.
shell-legal = Información legal
shell-privacy = Política de privacidad
shell-terms = Acuerdo de uso
shell-language = Idioma

# The sign-up box
sign-up-eyebrow = Una serie por correo electrónico
sign-up-problem = Por favor, revise esto
sign-up-not-yet = Todavía no está inscrito
sign-up-press-again = Lo que escribió sigue aquí: pulse «Comenzar» una vez más.
sign-up-what = Recibirá { $parts ->
    [1] un correo electrónico
    [2] dos correos electrónicos
    [3] tres correos electrónicos
    [4] cuatro correos electrónicos
    [5] cinco correos electrónicos
    [6] seis correos electrónicos
    [7] siete correos electrónicos
    [8] ocho correos electrónicos
    [9] nueve correos electrónicos
    [10] diez correos electrónicos
    [11] once correos electrónicos
    [12] doce correos electrónicos
   *[other] { $parts } correos electrónicos
 }, en palabras sencillas, con un pasaje sobre la enfermedad que elija. Puede cancelar en cualquier momento.
sign-up-condition = ¿Cuál de las siguientes enfermedades le interesa MÁS?
sign-up-condition-hint = Guardamos su respuesta cifrada y la usamos solo para elegir ese pasaje.
sign-up-choose = Elija una
sign-up-address = Su dirección de correo electrónico
sign-up-button = Comenzar
sign-up-agree = Al pulsar «Comenzar», acepta nuestra <a href="/privacy">política de privacidad</a> y nuestro <a href="/terms">acuerdo de uso</a>.
sign-up-error = Error:
sign-up-title-again = Por favor, revise: { $title }
sign-up-title-later = Inténtelo de nuevo: { $title }
sign-up-no-condition = Por favor, elija una de la lista.
address-empty = Por favor, escriba su dirección de correo electrónico.
address-too-long = Esta dirección es demasiado larga: como máximo 254 caracteres, y no más de 64 antes de la @.
address-control = Una dirección de correo no puede contener saltos de línea ni otros caracteres de control.
address-syntax = Esto no parece una dirección de correo electrónico. Debería ser como nombre@example.org.
address-domain = Lo que sigue a la @ no es un dominio al que se pueda enviar correo. Debería ser como example.org.

# After a sign-up
check-inbox-title = Revise su correo
check-inbox-lead = Hemos recibido su solicitud. Falta un paso para que comience la serie.
check-inbox-open = <strong>Abra nuestro correo.</strong> Debería llegar en unos minutos.
check-inbox-press = <strong>Pulse el botón que contiene.</strong> Así sabemos que la dirección es suya.
check-inbox-read = <strong>Lea la primera parte.</strong> La enviamos en cuanto usted confirme.
check-inbox-nothing = ¿No ha llegado nuestro correo?
check-inbox-spam = Busque primero en la carpeta de correo no deseado. Si tampoco está allí, quizá la dirección tenga un error: <a href="{ $again }">inscríbase otra vez</a>, no pasa nada.
check-inbox-before = ¿Ya se había inscrito? Entonces puede que no haya botón que pulsar ni un correo nuevo. La serie simplemente continúa.
new-link-lead = Un enlace nuevo va en camino. Debería llegar en unos minutos.
new-link-what = Abra nuestro correo más reciente y pulse el botón que contiene. Si no lo ve, busque también en la carpeta de correo no deseado.

# Confirming
confirm-title = Por favor, confirme
confirm-lead = Pulse una vez y le enviaremos <strong>{ $series }</strong>.
confirm-button = Sí, envíenme la serie
confirm-agree = Al confirmar, acepta nuestra <a href="/privacy">política de privacidad</a> y nuestro <a href="/terms">acuerdo de uso</a>. Puede cancelar en cualquier momento con el enlace de cada correo.
confirm-not-you = ¿No lo pidió usted? Entonces cierre esta página. Sin su sí no enviamos ninguna parte de la serie.
confirmed-title = Ya está inscrito
confirmed-lead = Gracias por confirmar. <strong>{ $series }</strong> va en camino.
confirmed-first = <strong>{ $parts ->
    [1] La primera y única parte llega ahora.
   *[other] La primera parte llega ahora.
 }</strong> Debería estar en su correo en unos minutos.
confirmed-others = <strong>Las demás llegan una por una.</strong> Son { $parts } en total, con unos días entre una y otra.
confirmed-charge = <strong>Usted decide.</strong> Cada correo tiene un enlace para pausar la serie y otro para cancelarla.
confirmed-close = Ya puede cerrar esta página.
confirm-move-title = ¿Recibir la serie aquí?
confirm-move-lead = Alguien que recibe <strong>{ $series }</strong> nos pidió que la enviáramos a esta dirección a partir de ahora. Si fue usted, pulse una vez.
confirm-move-button = Sí, envíenla aquí
confirm-move-not-you = ¿No lo pidió usted? Entonces cierre esta página. Sin su sí no enviamos nada aquí.
moved-here-title = La serie continúa aquí
moved-here-lead = Gracias. A partir de ahora, <strong>{ $series }</strong> llega a esta dirección.
moved-here-next = La parte siguiente llega cuando estaba previsto, y nada de lo que ya recibió llega otra vez. Hemos avisado a la dirección anterior de que la serie se ha trasladado, pero no adónde.
moved-here-charge = Cada parte tiene un enlace para pausar la serie y otro para cancelarla.
nothing-moved-title = No ha cambiado nada
nothing-moved-lead = Este enlace ya no puede traer <strong>{ $series }</strong> a esta dirección.
nothing-moved-why = Un enlace así funciona durante un día. También deja de funcionar cuando la serie se cancela en la dirección anterior o cuando allí se retira la petición.
nothing-moved-again = Si todavía recibe la serie en la otra dirección, puede pedirlo de nuevo desde allí. Si no, puede <a href="/#sign-up">inscribirse</a> con esta dirección.
elsewhere-title = La serie llega ahora a otra dirección
elsewhere-lead = <strong>{ $series }</strong> se trasladó de esta dirección a otra. Si no es lo que usted quiere, cancélela aquí.
already-confirmed-title = Ya había confirmado
already-confirmed-lead = Está inscrito en <strong>{ $series }</strong>. No tiene que hacer nada más.
already-confirmed-missing = ¿Le falta un correo? Busque en la carpeta de correo no deseado. Para pausar o cancelar la serie, use los enlaces al final de cada parte.
expired-title = Este enlace es demasiado antiguo
expired-lead = Por su seguridad, el enlace para confirmar funciona solo por un tiempo. Podemos enviarle uno nuevo para <strong>{ $series }</strong>.
expired-button = Envíenme un enlace nuevo
expired-where = Llegará a la misma dirección de correo que antes.
superseded-title = Hay un enlace más reciente
superseded-lead = Después de este le enviamos otro correo sobre <strong>{ $series }</strong>. Por favor, use el enlace de ese correo.
superseded-look = Busque en su correo nuestro mensaje más reciente que pide confirmar. Si no lo ve, busque también en la carpeta de correo no deseado.

# Leaving
unsubscribe-title = ¿Cancelar la serie?
unsubscribe-lead = Pulse una vez y no recibirá más partes de <strong>{ $series }</strong>.
unsubscribe-button = Cancelar la suscripción
unsubscribe-mistake = ¿Abrió el enlace por error? Entonces cierre esta página. Nada ha cambiado.
unsubscribed-title = Su suscripción está cancelada
unsubscribed-lead = No recibirá más partes de <strong>{ $series }</strong>.
unsubscribed-back = Puede que todavía llegue un correo que ya estaba en camino. Puede volver cuando quiera: <a href="/#sign-up">inscríbase</a> de nuevo y la serie continuará donde la dejó.
never-title = ¿No fue usted?
never-lead = Entonces alguien escribió su dirección, quizá por error. Lamentamos la molestia. Pulse una vez y nunca más le escribiremos.
never-button = No me escriban nunca más
never-nothing = Si no hace nada, no enviamos ninguna parte de la serie sin su sí. Si quizá quiera inscribirse algún día, cierre mejor esta página.
never-done-title = No volveremos a escribirle
never-done-lead = Su dirección está en nuestra lista de direcciones que no reciben nada de nosotros, aunque alguien la escriba otra vez.

# Policies
policy-version = Versión del { $version }

# Errors
error-number = Error { $status }
error-start = Ir a la página de inicio
error-not-here = Esta página no está aquí
error-later = Inténtelo de nuevo en un minuto
error-not-so = Eso no funciona aquí
error-wrong = Algo salió mal
error-no-page = No hay ninguna página en esta dirección. Comience desde la página de inicio.
error-no-article = No existe ese artículo. Comience desde la página de inicio.
error-no-series = No existe esa serie.
error-no-file = No existe ese archivo.
error-nothing-published = Todavía no hay nada publicado aquí.
error-method = Esta página no se puede usar así. Comience desde la página de inicio.
error-media = Por favor, use el formulario de nuestra página o envíe JSON.
error-gone = Aquello a lo que llevaba este enlace ya no está aquí. Puede inscribirse de nuevo desde la página de inicio.
error-link-incomplete = Este enlace no funciona: está incompleto. Abra otra vez el enlace del correo o cópielo entero.
error-link-altered = Este enlace no funciona: fue alterado o no es nuestro. Abra otra vez el enlace del correo.
error-link-other = Este enlace no sirve aquí: es para otra cosa. Abra otra vez el enlace del correo.
error-refused = Ahora no se puede hacer esto. Por favor, vuelva atrás y revise.
error-busy = En este momento hay muchísimas personas aquí. Inténtelo de nuevo en unos segundos.
error-unavailable = El servicio no puede escribir en su base de datos en este momento. Inténtelo de nuevo en un minuto.
error-internal = Algo salió mal de nuestro lado. Inténtelo de nuevo más tarde.
