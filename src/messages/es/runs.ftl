# Los envíos a mano

admin-nav-runs = Envíos
runs-title = Envíos
runs-lead = Lo que se envió a mano, a quién y cuánto falta.
runs-new = Preparar un envío
runs-number = Envío
runs-what = Qué
runs-state = Estado
runs-accepted = Aceptados
runs-at = Preparado (UTC)
runs-who = Quién
runs-why = Por qué
runs-older = Envíos anteriores
runs-none = Todavía no se ha enviado nada a mano.

run-new-title = Preparar un envío
run-new-lead = Esto no envía nada todavía. Primero verá a quién llegaría.
run-series = Serie
run-for = ¿Para quién es?
run-for-reader = Un lector
run-for-due-within = Todos los que reciben la próxima parte dentro de un plazo
run-for-not-received = Todos los que no han recibido una parte
run-for-received = Todos los que han recibido una parte, en una versión si la indica
run-for-filter = Todos los que cumplen un filtro
run-for-list = Una lista de direcciones
run-address = Dirección del lector
run-within = Plazo, como 12h o 2d
run-had = La parte que han recibido, o no
run-version = Versión del contenido
run-filter = El filtro
run-state = Estado
run-any = Cualquiera
run-parts = Partes recibidas
run-language = Idioma
run-condition-filter = Enfermedad
run-condition-hint = Con una enfermedad no se muestran recuentos de menos de cinco, no se nombra a nadie y no se llega a menos de cinco lectores.
run-since = Inscritos desde
run-until = Inscritos hasta
run-addresses = La lista
run-addresses-hint = Una dirección en cada línea, o las filas de un archivo CSV. Solo llega a quienes ya están inscritos. Para más de unas 1000 direcciones, use la línea de comandos.
run-what = ¿Qué se envía?
run-what-next = A cada uno la parte que le toca, ahora
run-what-step = Una parte
run-what-correction = Una corrección
run-step = Parte
run-choose = Elija, por favor
run-again = Enviar la parte otra vez a quienes ya la recibieron
run-correction = Corrección
run-why = ¿Por qué? Queda registrado.
run-prepare = Ver a quién llega

run-title = Envío { $id }
run-by = Preparado por { $who }, { $at } UTC:
run-counting = Contando…
run-dry = A quién llega
run-reaches = { $readers ->
    [one] Un lector
   *[other] { $readers } lectores
 }
run-takes = Al ritmo configurado tarda unos { $time }.
run-reaches-nobody = No encaja nadie, o quienes encajan quedan fuera. No hay nada que iniciar.
run-unwanted = ¿Ya no hace falta?
run-by-state = Por estado
run-by-domain = Por dominio
run-other-domains = otros dominios
run-left-out = Quién no recibe nada, y por qué
run-not-subscribers = { $count ->
    [one] Una dirección de la lista no está inscrita.
   *[other] { $count } direcciones de la lista no están inscritas.
 }
run-sample = Algunos de ellos
run-see-sample = Mostrar algunos de ellos
run-received = { $count ->
    [one] una parte recibida
   *[other] { $count } partes recibidas
 }
run-test = Enviar antes una prueba
run-condition = Como para esta enfermedad
run-test-to = A
run-test-send = Enviar la prueba
run-no-editors = Las pruebas solo van a los editores. Indíquelos en la configuración: admin.editors.
run-start = Iniciar el envío
run-type-number = Escriba el número de lectores a los que llega
run-progress = Progreso
run-settled = { $settled } de { $readers } han terminado
run-rate = { $rate } por minuto.
run-left = Faltan unos { $time }.
run-started = Iniciado { $at } UTC.
run-ended = Terminado { $at } UTC.
run-look-again = Mirar otra vez
run-stop = Pausar o detener
run-pause = Pausar
run-resume = Continuar
run-cancel = Cancelar el envío
run-throw-away = Desechar el borrador
run-all = Todos los envíos

run-left-suppressed = la dirección está bloqueada
run-left-not-active = en pausa, o ya terminaron la serie
run-left-nothing-waits = no hay ninguna parte pendiente
run-left-not-yet = aún no han llegado ahí: se mantiene el orden
run-left-received = ya la tienen
run-left-under-way = ya está en camino
run-count-accepted = aceptados
run-count-rejected = rechazados
run-count-skipped = omitidos
run-count-uncertain = inciertos
run-count-pending = pendientes
run-count-paused = en pausa
run-count-taken-back = retirados

runs-started = El envío ha comenzado.
runs-paused = El envío está en pausa. No se entrega nada más.
runs-resumed = El envío continúa.
runs-cancelled = El envío está cancelado. Se retira lo que aún no se ha entregado.
runs-thrown-away = El borrador se ha desechado.
runs-test-sent = La prueba está en camino.
run-no-number = Esto no es un número. Escriba a cuántos lectores llega el envío.

series-is-sent = Esta serie se envía.
series-is-paused = Esta serie está en pausa: no se envía nada de ella.
series-pause = Pausar la serie
series-resume = Continuar la serie
series-overdue = ¿Qué pasa con las partes que vencieron mientras tanto?
series-overdue-send = Enviarlas ahora, tan rápido como se pueda
series-overdue-shift = Aplazar todo lo pendiente lo que duró la pausa
series-overdue-skip = Omitirlas y seguir con la parte siguiente
series-paused = La serie está en pausa.
series-resumed = La serie continúa.
