# Dates: $weekday from 1 (Monday) to 7, $month from 1 to 12
date-weekday = { $weekday ->
    [1] Monday
    [2] Tuesday
    [3] Wednesday
    [4] Thursday
    [5] Friday
    [6] Saturday
   *[7] Sunday
 }
date-month = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
 }
# "Tuesday, March 9"
date-long = { date-weekday }, { date-month } { $day }
# "March 9, 2026"
date-year = { date-month } { $day }, { $year }
