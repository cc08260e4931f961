# The reader's own page
manage-title = Su serie
manage-paused = En pausa
manage-complete = Ha recibido todas las partes
manage-stopped = Cancelada
manage-received = { $received } de { $parts ->
    [1] 1 parte recibida
   *[other] { $parts } partes recibidas
 }
manage-next = La parte { $part } llega el { date-long }, hacia las { $time }, hora de usted ({ $zone }).
manage-while-paused = Mientras la serie está en pausa no se envía ninguna parte. Cuando la reanude, continuará donde la dejó.
manage-ended = No hay más correos previstos de esta serie. Puede volver cuando quiera: <a href="/#sign-up">inscríbase</a> de nuevo.
manage-resume = Reanudar la serie
manage-pause = Pausar
manage-change = Cambiar su enfermedad o su dirección
manage-write-to = Por favor, escriba a <a href="mailto:{ $path }">{ $contact }</a> desde la dirección que recibe la serie. Por su seguridad, no mostramos ninguna de las dos en esta página.
