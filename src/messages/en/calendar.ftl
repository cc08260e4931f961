# The reader's own page
manage-title = Your series
manage-paused = Paused
manage-complete = You have had every part
manage-stopped = Stopped
manage-received = { $received } of { $parts ->
    [1] 1 part
   *[other] { $parts } parts
 } received
manage-next = Part { $part } arrives { date-long }, about { $time }, your time ({ $zone }).
manage-while-paused = No part is sent while the series is paused. When you go on, it continues where you left off.
manage-ended = No more e-mails of this series are planned. You can come back any time by <a href="/#sign-up">signing up</a> again.
manage-resume = Go on with the series
manage-pause = Pause
manage-change = Change your condition or address
manage-write-to = Please write to <a href="mailto:{ $path }">{ $contact }</a> from the address that gets the series. For your safety, we do not show either of them on this page.
