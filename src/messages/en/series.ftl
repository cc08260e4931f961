# Series: what is sent, as admins see it before readers do

admin-nav-series = Series
admin-series = The series’ parts
all-series-title = Series
changes-title = What would change
series-changes = What would change if the content on the server were published now
all-series-lead = What readers get, before they get it.
series-title = Series
series-parts = { $count ->
    [one] One part
   *[other] { $count } parts
 }
series-findings-count = { $count ->
    [0] nothing to improve
    [one] one thing to improve
   *[other] { $count } things to improve
 }
series-version = Published content { $version }
series-languages = Languages
series-conditions = Conditions
series-window = Sent
series-window-hours = from { $from } to { $until }, about { $preferred }
series-gap = Shortest gap
series-spacings = Readers may choose
series-spacings-days = { $days } days between parts
series-rehearse = Rehearse it for a sample of readers
series-line = The parts
series-line-lead = Days are those of a reader who confirms at noon and chooses nothing.
series-day = Day { $day }
series-at-once = At once, when a reader confirms
series-after-confirmation = { $span } after the confirmation
series-after-part = { $span } after the part before
series-delay-hours = { $count ->
    [one] One hour
   *[other] { $count } hours
 }
series-delay-minutes = { $count ->
    [one] One minute
   *[other] { $count } minutes
 }
series-passages = with a passage for each of { $count } conditions
series-no-passages = the same for all conditions
series-words = about { $count } words
series-size = HTML up to { $size } KB
series-preview = Preview part { $part }
series-findings = What could be better
series-findings-lead = None of this keeps the series from being sent. A fault would: such content is never published.
series-findings-none = Nothing was found.

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

step-title = Preview of a part
step-before = The part before
step-after = The part after
step-condition = Condition
step-language = Language
step-colours = Colors
step-light = Light
step-dark = Dark
step-show = Show
step-due = A reader in { $zone } who confirms now gets it on { date-long } at { $time }, if each part is accepted when it is due.
step-html = HTML
step-html-size = { $size } KB: { $percent } percent of the 102 KB after which Gmail cuts a mail off.
step-phone = On a phone: 360 pixels
step-phone-frame = The mail on a phone
step-desktop = On a desktop: 640 pixels
step-desktop-frame = The mail on a desktop
step-links = The links are signed for a reader who does not exist.
step-text = Plain text
step-headers = Headers
step-message-size = The whole message has { $size } KB.
step-signed = It is signed.
step-unsigned = It is not signed: this process has no DKIM key.
step-test = Send a test
step-test-hint = For the condition that is chosen above, in the series’ own language. It is marked as a test and stands outside the books.
step-test-sent = The test will be sent in a moment.
