# Series: what is sent, as admins see it before readers do

# Why a part comes when it comes, in a few words
moved-gap = shortest gap
moved-window = hours of sending
moved-swallowed = skipped hour
moved-twice = double hour
moved-forward = clock +{ $minutes } min
moved-back = clock −{ $minutes } min

rehearsal-title = Rehearsal
rehearsal-lead = The whole series for a sample of readers, as the dispatcher would time it: each part accepted when it is due. Nothing is sent.
rehearsal-from = From
rehearsal-zone = Time zone
rehearsal-sample = A sample from around the world
rehearsal-hour = Hour that the reader chose
rehearsal-spacing = Days between two parts
rehearsal-own = The series' own
rehearsal-days = { $count ->
    [one] One day
   *[other] { $count } days
 }
rehearsal-again = Rehearse
rehearsal-zone-unknown = There is no such time zone: it should look like America/New_York.
rehearsal-calendars = The readers' calendars, in their own time
rehearsal-reader = Reader
rehearsal-confirmed = Confirms
rehearsal-part = Part { $part }
rehearsal-asked = on the day asked for
rehearsal-before-forward = a week before the clock goes forward
rehearsal-before-back = a week before the clock goes back
rehearsal-marks = What the marks mean
rehearsal-means-gap = On the day itself too little would lie between it and the part before. It comes a day later.
rehearsal-means-window = It would come outside the hours in which the series sends, and comes when they begin.
rehearsal-means-swallowed = The clock goes forward over this hour. The part comes at the end of the gap.
rehearsal-means-twice = The clock shows this hour twice. The part comes at the first.
rehearsal-means-clock = The clock went forward or back since the part before. The hour stays, and the day is shorter or longer.
