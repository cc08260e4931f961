# Las páginas de quienes llevan el servicio

# Alrededor de cada página
admin-brand = Administración
admin-nav = Administración
admin-nav-overview = Resumen
admin-nav-embed = Formulario
admin-nav-people = Personas
admin-nav-tokens = Claves
admin-nav-audit = Registro
sign-out = Cerrar la sesión

# Entrar
sign-in-title = Iniciar sesión
sign-in-address = Correo electrónico
sign-in-password = Contraseña
sign-in-button = Entrar
sign-in-elsewhere = Entrar con { $provider }
sign-in-elsewhere-failed = No se pudo entrar con { $provider }. Inténtelo de nuevo. Solo entran las personas invitadas aquí: si sigue igual, pregunte a una persona con el rol “owner”.
sign-in-elsewhere-away = { $provider } no responde en este momento. Inténtelo de nuevo en un momento, o use su contraseña.
provider-title = Usted entra por otro sitio
provider-lead = Va camino de { $provider }, y después volverá aquí.
provider-go = Seguir
provider-back = Volver a la página de entrada
sign-in-forgot = ¿Olvidó su contraseña?
sign-in-wrong = El correo o la contraseña no son correctos. Inténtelo de nuevo.
sign-in-wait = Hubo demasiados intentos fallidos. Espere { $seconds ->
    [one] un segundo
   *[other] { $seconds } segundos
 } e inténtelo de nuevo.
second-factor-title = Segundo paso
second-factor-lead = Abra su aplicación de códigos y escriba el código que muestra.
second-factor-code = Código
second-factor-hint = Seis cifras, o uno de sus códigos de recuperación.
second-factor-wrong = Este código no es correcto o ya se usó. Espere el siguiente.
second-factor-other = Entrar como otra persona
forgot-title = Elegir otra contraseña
forgot-lead = Le enviamos un enlace con el que puede elegir otra contraseña.
forgot-button = Enviarme el enlace
forgot-sent = Si esta dirección es de un administrador, un enlace está en camino. Sirve durante una hora.
choose-title = Elegir una contraseña
choose-lead = Bienvenido, { $name }. Con esta contraseña entrará a partir de ahora.
choose-button = Guardar la contraseña
choose-done = Su contraseña está guardada. Ya puede entrar con ella.
link-gone-title = Este enlace ya no sirve
link-gone-lead = Ya se usó o es demasiado antiguo. Pida otro.
password-new = Nueva contraseña
password-hint = Al menos 12 caracteres. Unas palabras seguidas son buenas y fáciles de recordar.
password-present = Su contraseña actual
password-change = Cambiar la contraseña
password-changed = Su contraseña ha cambiado. Las demás sesiones están cerradas.
password-wrong = Su contraseña actual es otra. No se ha cambiado nada.
password-too-short = La contraseña necesita al menos 12 caracteres.
password-too-long = Esta contraseña es demasiado larga.
password-guessable = Esta contraseña es demasiado fácil de adivinar. Elija otra.
forbidden-title = No puede hacer esto
forbidden-right = Hace falta el derecho «{ $right }», que su función no tiene. Un «owner» puede cambiar su función.
forbidden-form = Este formulario no se envió desde una de nuestras páginas, o usted ha entrado de nuevo desde entonces. Vuelva atrás, cargue la página otra vez y pulse de nuevo.
forbidden-back = Volver al resumen
refused = No se ha hecho: { $why }.

# La propia cuenta
account-title = Su cuenta
account-who = { $name }, { $address }. Su función: { $role }.
account-password = Contraseña
account-second-factor = Segundo paso al entrar
account-sessions = Dónde tiene la sesión abierta
second-factor-on = Está activado. { $left ->
    [one] Queda un código
   *[other] Quedan { $left } códigos
 } de recuperación.
second-factor-off = Está desactivado. Con una aplicación de códigos, una contraseña robada no basta para entrar.
second-factor-turn-on = Activarlo
second-factor-turn-off = Desactivarlo
second-factor-turned-off = El segundo paso está desactivado.
codes-renew = Crear otros códigos de recuperación
codes-title = Sus códigos de recuperación
codes-lead = Con cada uno puede entrar una vez cuando no tenga su aplicación. Solo se muestran ahora: imprímalos o guárdelos en un gestor de contraseñas.
codes-kept = Los he guardado
offer-title = Activar el segundo paso
offer-lead = Haga una foto de esto con su aplicación de códigos.
offer-picture = Un código QR para una aplicación de códigos. Lo mismo está abajo como texto.
offer-key = O escriba esta clave en la aplicación:
offer-code = El código que muestra la aplicación
offer-wrong = Este código no es correcto. Pruebe el siguiente que muestre la aplicación.
offer-not-now = Ahora no
session-here = este navegador
session-times = Desde { $begun } UTC, última vez { $seen } UTC
session-end = Cerrar esa sesión
session-end-all = Cerrar todas las demás
session-ended = Esa sesión está cerrada.
sessions-ended = Las demás sesiones están cerradas.

# Las personas
people-title = Personas
people-link = Un enlace para elegir la contraseña
people-link-lead = Solo se muestra ahora, y sirve una vez, durante siete días. Entréguelo de manera segura. Un correo con otro enlace también está en camino.
people-self = usted
people-disabled = desactivada
people-signed-in = Entró por última vez { $at } UTC.
people-never = Nunca ha entrado.
people-second-factor = El segundo paso está activado.
people-no-second-factor = El segundo paso está desactivado.
people-change = Cambiar
people-role = Función
people-role-hint = Un «viewer» ve cifras. Un «editor» trabaja también en los contenidos. Un «operator» ve a los lectores, envía y pausa. Un «owner» puede hacerlo todo.
people-set-role = Fijar la función
people-make-link = Crear un enlace para elegir la contraseña
people-reset-second-factor = Desactivar el segundo paso
people-disable = Desactivar
people-enable = Activar de nuevo
people-invite = Invitar a alguien
people-name = Nombre
people-invited = La invitación está en camino.
people-changed = Hecho.

# Claves para programas
tokens-title = Claves para programas
tokens-lead = Un programa usa la API con su propia clave, y solo puede hacer aquello para lo que la clave sirve.
tokens-made = La nueva clave
tokens-made-lead = Solo se muestra ahora. El programa la envía como «Authorization: Bearer …».
tokens-revoked = revocada { $at } UTC
tokens-made-by = Creada { $at } UTC por { $name }.
tokens-made-at = Creada { $at } UTC.
tokens-used = Usada por última vez { $at } UTC.
tokens-unused = Nunca usada.
tokens-expires = Sirve hasta { $at } UTC.
tokens-revoke = Revocar
tokens-none = Todavía no hay ninguna clave.
tokens-make = Crear una clave
tokens-name = ¿Para qué es?
tokens-rights = Qué puede hacer
tokens-days = ¿Para cuántos días? Déjelo vacío para una clave sin fin.
tokens-gone = La clave está revocada.

# El registro
audit-title = Registro
audit-lead = Quién hizo qué, desde dónde y por qué. No nombra a ningún lector: «subscriber» es un número, que no significa nada cuando el lector está borrado.
audit-who = Quién
audit-action = Qué
audit-any = Todo
audit-target = A qué
audit-from = Desde
audit-until = Hasta
audit-search = Buscar
audit-csv = Llevarse esto como archivo CSV
audit-none = Nada coincide.
audit-older = Entradas anteriores

# El correo con un enlace
admin-mail-subject = Elija su contraseña
admin-mail-invitation = Hola, { $name }: se le invita a trabajar con { $site }. Elija una contraseña con este enlace. Sirve una vez, durante siete días.
admin-mail-reset = Hola, { $name }: alguien pidió otra contraseña suya en { $site }. Elíjala con este enlace. Sirve una vez, durante una hora.
admin-mail-not-you = Si usted no pidió esto, no tiene que hacer nada.

admin-nav-readers = Lectores
admin-nav-webhooks = Webhooks
webhooks-title = Webhooks
webhook-title = Un webhook
webhooks-done = Hecho.
webhooks-deleted = El webhook está borrado.
admin-nav-imports = Importaciones
import-new-title = Incorporar lectores desde un archivo
imports-sent = El archivo está aquí. Una prueba revisa ahora cada línea.
imports-started = Se está incorporando a los lectores.
imports-cancelled = Está cancelada y el archivo está borrado.
imports-title = Importaciones
import-title = Una importación
readers-title = Lectores
reader-gone-title = No existe tal persona
reader-title = Un lector
sent-title = Un correo tal como se envió

# El resumen
live-nobody-dispatches = Ningún proceso envía correo: inicie uno con «regimen serve» o «regimen dispatch».
live-overdue = { $count ->
    [one] Un correo está atrasado: debía salir hace más de diez minutos, nunca se intentó y nadie lo pausó. Mire si alguno de los procesos de abajo envía y si responde un servidor de correo.
   *[other] { $count } correos están atrasados: debían salir hace más de diez minutos, nunca se intentaron y nadie los pausó. Mire si alguno de los procesos de abajo envía y si responde un servidor de correo.
 }
live-paused = en pausa
live-new = Todavía no se ha suscrito nadie. Las cifras llegan con el primer lector.
live-funnel = Hasta dónde llegan los lectores
live-stage = Etapa
live-readers = Lectores
live-signed-up = Suscritos
live-confirmed = Confirmados
live-part = Parte { $part }
live-completed = Completada
live-delivered = Aceptados por día
live-lateness = Retraso: minutos en los que se aceptaron 95 de cada 100 partes
live-coming = Tocan en los próximos siete días
live-highest = como máximo { $count }
live-as-numbers = En números
live-next-hour = { $count ->
    [one] Un correo toca en una hora o ya toca. Las partes siguientes de un lector se planifican cuando se acepta la anterior.
   *[other] { $count } correos tocan en una hora o ya tocan. Las partes siguientes de un lector se planifican cuando se acepta la anterior.
 }
live-books = Las cuentas
live-mail = Correo
live-due = Debidos
live-accepted = Aceptados
live-waiting = En espera
live-skipped = Omitidos
live-rejected = Rechazados
live-uncertain = Inciertos
live-later = Aún no tocan
live-total = Todos
live-repeats = (otra vez)
live-rule = Debidos = aceptados + en espera + omitidos + rechazados + inciertos.
live-as-of = Contado a las { $at } (UTC).
live-nodes = Procesos
live-node = Proceso
live-role = Hace
live-started = Desde (UTC)
live-seen = Visto (UTC)
live-holds = Tiene
live-silent = callado
live-relays = Servidores de correo hoy
live-relay = { $relay }: { $count ->
    [one] un correo
   *[other] { $count } correos
 }
kind-confirmation = Confirmación
kind-reminder = Recordatorio
kind-already-signed-up = Ya suscrito
kind-fresh-link = Enlace nuevo
kind-move = Traslado
kind-moved = Trasladado
kind-correction = Corrección
reader-done = Está hecho, y queda anotado.
