# Dates: $weekday from 1 (Monday) to 7, $month from 1 to 12
date-weekday = { $weekday ->
    [1] lunes
    [2] martes
    [3] miércoles
    [4] jueves
    [5] viernes
    [6] sábado
   *[7] domingo
 }
date-month = { $month ->
    [1] enero
    [2] febrero
    [3] marzo
    [4] abril
    [5] mayo
    [6] junio
    [7] julio
    [8] agosto
    [9] septiembre
    [10] octubre
    [11] noviembre
   *[12] diciembre
 }
# "martes 9 de marzo"
date-long = { date-weekday } { $day } de { date-month }
# "9 de marzo de 2026"
date-year = { $day } de { date-month } de { $year }
