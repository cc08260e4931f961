# The sign-up box on other sites
embed-title = Inscríbase en una serie por correo electrónico
embed-link = Inscríbase en esta serie por correo electrónico
embed-link-to = Inscríbase en «{ $title }», una serie por correo electrónico
embed-no-frame = ¿No ve el formulario? Inscríbase en nuestra página.
embed-site = Leer primero el artículo

# Where the admins' pages begin
admin-title = Resumen
admin-lead = Cómo va cada serie. Mientras mira, las cifras se renuevan.
admin-embed = El formulario de inscripción para otros sitios
admin-figures = Las respuestas de la encuesta
admin-article = El artículo
admin-api = Lo que puede hacer la API
api-title = Lo que puede hacer la API
api-lead = Para quienes escriben programas. Cada llamada lleva la cabecera “Authorization: Bearer” con un token. El texto está en inglés.
api-calls = Llamadas

# What publishers copy
snippets-list-title = El formulario de inscripción para otros sitios
snippets-list-lead = Elija una serie para ver qué copiar y cómo se ve el formulario.
snippets-title = El formulario de inscripción para otros sitios: { $title }
snippets-lead = Sus lectores pueden inscribirse donde leen. Elija un aspecto y copie en la página una de las tres opciones.
snippets-look = Idioma y colores
snippets-language = Idioma del formulario
snippets-language-auto = El de la página
snippets-theme = Colores
snippets-theme-auto = Los del sistema
snippets-theme-light = Siempre claros
snippets-theme-dark = Siempre oscuros
snippets-show = Mostrar
snippets-preview = Cómo se ve
snippets-preview-what = Este es el formulario real: a la dirección que escriba aquí se le pedirá que confirme.
snippets-script = Como script
snippets-script-what = Lo mejor en la mayoría de los casos. El formulario tiene la altura que necesita y, donde no se puede mostrar, aparece un enlace. Póngalo donde deba aparecer el formulario.
snippets-frame = Como marco
snippets-frame-what = Para páginas sin scripts. La altura es fija: si el formulario necesita más, se desplaza.
snippets-form = Como formulario sencillo
snippets-form-what = Se ve como su página y no necesita script ni marco. Como no puede demostrar que es reciente, los lectores pulsan un botón más en una página nuestra.
snippets-csp = Si la página tiene una Content-Security-Policy, añada esto:
snippets-copy = Copiar
snippets-copied = Copiado.
snippets-not-copied = No se pudo copiar: seleccione el texto y cópielo usted.
snippets-origins = Dónde puede estar
snippets-origins-some = Estos sitios pueden mostrar el formulario en un marco:
snippets-origins-none = Ningún otro sitio puede mostrar todavía el formulario en un marco.
snippets-origins-how = Quien administra este servicio nombra los sitios en la configuración y lo inicia de nuevo:
snippets-origins-form = En cualquier otro sitio, el script muestra un enlace a nuestra página. El formulario sencillo funciona en todos.
snippets-seen = El sitio que contiene el formulario sabe qué altura tiene y cuándo se muestra en él otra página. Nunca sabe qué escribe o elige un lector, ni qué direcciones se conocen aquí.
