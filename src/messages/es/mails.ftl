# What surrounds every mail. In `$part` and `$parts` there may be a mark instead of a number.
mail-part = Parte { $part } de { $parts }
mail-sources = Fuentes
mail-why-step = Recibe este correo porque pidió esta serie en
mail-why-system = Recibe este correo porque alguien escribió esta dirección en el formulario de
mail-manage = Vea lo que sigue o ponga la serie en pausa
mail-view = Ver en el navegador
mail-helpful = ¿Le fue útil esta parte?
mail-helpful-tell = Díganoslo
mail-unsubscribe = Cancelar la suscripción
mail-unsubscribe-text = Cancele la suscripción y no reciba más partes:
mail-privacy = Privacidad
# Said by mails and pages about their own text
review-pending = Última edición: { date-year }. La revisión médica está pendiente.
review-done = Última edición: { date-year }. Revisado por { $reviewer }.
# How long a link works
span-days = { $count ->
    [one] { $count } día
   *[other] { $count } días
 }
span-hours = { $count ->
    [one] { $count } hora
   *[other] { $count } horas
 }
span-minutes = { $count ->
    [one] { $count } minuto
   *[other] { $count } minutos
 }
