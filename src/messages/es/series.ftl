# Series: lo que se envía, como lo ven los administradores antes que los lectores

admin-nav-series = Series
admin-series = Las partes de la serie
all-series-title = Series
changes-title = Qué cambiaría
series-changes = Qué cambiaría si se publicara ahora el contenido del servidor
all-series-lead = Lo que reciben los lectores, antes de que lo reciban.
series-title = Serie
series-parts = { $count ->
    [one] Una parte
   *[other] { $count } partes
 }
series-findings-count = { $count ->
    [0] nada que mejorar
    [one] una cosa que mejorar
   *[other] { $count } cosas que mejorar
 }
series-version = Contenido publicado { $version }
series-languages = Idiomas
series-conditions = Enfermedades
series-window = Se envía
series-window-hours = de { $from } a { $until }, hacia las { $preferred }
series-gap = Intervalo mínimo
series-spacings = Los lectores pueden elegir
series-spacings-days = { $days } días entre partes
series-rehearse = Ensayarla con una muestra de lectores
series-line = Las partes
series-line-lead = Los días son los de un lector que confirma a mediodía y no elige nada.
series-day = Día { $day }
series-at-once = Enseguida, cuando el lector confirma
series-after-confirmation = { $span } después de la confirmación
series-after-part = { $span } después de la parte anterior
series-delay-hours = { $count ->
    [one] Una hora
   *[other] { $count } horas
 }
series-delay-minutes = { $count ->
    [one] Un minuto
   *[other] { $count } minutos
 }
series-passages = con un pasaje para cada una de { $count } enfermedades
series-no-passages = igual para todas las enfermedades
series-words = unas { $count } palabras
series-size = HTML de hasta { $size } KB
series-preview = Ver la parte { $part }
series-findings = Qué podría mejorar
series-findings-lead = Nada de esto impide que la serie se envíe. Un error sí: un contenido con errores nunca se publica.
series-findings-none = No se encontró nada.

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

step-title = Vista previa de una parte
step-before = La parte anterior
step-after = La parte siguiente
step-condition = Enfermedad
step-language = Idioma
step-colours = Colores
step-light = Claros
step-dark = Oscuros
step-show = Mostrar
step-due = Un lector en { $zone } que confirme ahora la recibe el { date-long } a las { $time }, si cada parte se acepta cuando toca.
step-html = HTML
step-html-size = { $size } KB: el { $percent } por ciento de los 102 KB a partir de los cuales Gmail corta un correo.
step-phone = En un teléfono: 360 píxeles
step-phone-frame = El correo en un teléfono
step-desktop = En un ordenador: 640 píxeles
step-desktop-frame = El correo en un ordenador
step-links = Los enlaces están firmados para un lector que no existe.
step-text = Texto sin formato
step-headers = Encabezados
step-message-size = El mensaje entero tiene { $size } KB.
step-signed = Está firmado.
step-unsigned = No está firmado: este proceso no tiene ninguna clave DKIM.
step-test = Enviar una prueba
step-test-hint = Para la enfermedad elegida arriba, en el idioma propio de la serie. Va marcada como prueba y no cuenta en los libros.
step-test-sent = La prueba se enviará en un momento.
