# Lo que impide que los robots inscriban a otras personas
guards-trap = Por favor, deje este campo vacío
guards-disposable = Esta es una dirección de corta duración. La serie dura unas semanas: por favor, use una dirección que vaya a conservar.
guards-no-mail = No se puede enviar correo a la parte que sigue a la @. ¿Hay un error al escribirla?
guards-ballots = En este momento llegan muchísimas respuestas desde su red, o las envía un robot. Por favor, inténtelo de nuevo en { $minutes ->
    [one] { $minutes } minuto
   *[other] { $minutes } minutos
 }, o use otra conexión.
guards-network = En este momento se inscriben muchísimas personas desde su red, o lo hace un robot. Por favor, inténtelo de nuevo en { $minutes ->
    [one] { $minutes } minuto
   *[other] { $minutes } minutos
 }, o use otra conexión.
guards-domain = En este momento han llegado muchísimas inscripciones para direcciones como la suya. Para que nadie reciba demasiados correos, por favor, inténtelo de nuevo en { $minutes ->
    [one] { $minutes } minuto
   *[other] { $minutes } minutos
 }, o use otra dirección.
guards-no-script = Su navegador no ejecutó nuestro programa, que impide el paso a los robots, y han llegado demasiadas inscripciones sin él. Por favor, active JavaScript en esta página, o inténtelo de nuevo en { $minutes ->
    [one] { $minutes } minuto
   *[other] { $minutes } minutos
 }.
guards-proof-working = Un momento: su navegador está demostrando que no es un robot.
guards-proof-done = Listo. Enviando …

# La página con un solo botón
once-more-title = Pulse una vez más, por favor
once-more-elsewhere = Usted viene de otra página, por eso preguntamos una vez más. Así los robots no pueden inscribir a otras personas.
once-more-old = La página estuvo abierta mucho tiempo. ¿Sigue siendo correcto todo esto?
once-more-fast = ¡Qué rapidez! Para que los robots no puedan inscribir a otras personas, preguntamos una vez más.
once-more-proof = La comprobación que impide el paso a los robots no funcionó o tardó demasiado. Por favor, pulse una vez más.
once-more-address = Su dirección de correo electrónico
once-more-condition = Su enfermedad
once-more-other = ¿No es correcto? <a href="{ $again }">Rellene el formulario de nuevo</a>.
