# Series: lo que se envía, como lo ven los administradores antes que los lectores

# Por qué una parte llega cuando llega, en pocas palabras
moved-gap = intervalo mínimo
moved-window = horas de envío
moved-swallowed = hora que no existe
moved-twice = hora doble
moved-forward = reloj +{ $minutes } min
moved-back = reloj −{ $minutes } min

rehearsal-title = Ensayo
rehearsal-lead = La serie entera para una muestra de lectores, con las fechas que daría el programa: cada parte se acepta cuando toca. No se envía nada.
rehearsal-from = Desde
rehearsal-zone = Zona horaria
rehearsal-sample = Una muestra de todo el mundo
rehearsal-hour = Hora que eligió el lector
rehearsal-spacing = Días entre dos partes
rehearsal-own = Los de la serie
rehearsal-days = { $count ->
    [one] Un día
   *[other] { $count } días
 }
rehearsal-again = Ensayar
rehearsal-zone-unknown = No existe esa zona horaria: debe escribirse como America/New_York.
rehearsal-calendars = Los calendarios de los lectores, en su propia hora
rehearsal-reader = Lector
rehearsal-confirmed = Confirma
rehearsal-part = Parte { $part }
rehearsal-asked = el día pedido
rehearsal-before-forward = una semana antes de que el reloj se adelante
rehearsal-before-back = una semana antes de que el reloj se atrase
rehearsal-marks = Qué significan las marcas
rehearsal-means-gap = Ese mismo día quedaría demasiado cerca de la parte anterior. Llega un día después.
rehearsal-means-window = Llegaría fuera de las horas en que la serie envía, y llega cuando estas empiezan.
rehearsal-means-swallowed = El reloj se salta esta hora. La parte llega al final del salto.
rehearsal-means-twice = El reloj muestra esta hora dos veces. La parte llega la primera vez.
rehearsal-means-clock = El reloj se adelantó o se atrasó desde la parte anterior. La hora se mantiene, y el día es más corto o más largo.
