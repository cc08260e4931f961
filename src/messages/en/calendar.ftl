# The reader's own page
manage-title = Your series
manage-pending = Waiting for your confirmation
manage-active = The series is on its way to you
manage-paused = Paused
manage-paused-until = Paused until { date-long }
manage-complete = You have had every part
manage-stopped = Stopped
manage-received = { $received } of { $parts ->
    [1] 1 part
   *[other] { $parts } parts
 } received
manage-next = Part { $part } arrives { date-long }, about { $time }, your time ({ $zone }).
manage-on-its-way = Part { $part } is on its way to you.
manage-series-paused = The editors have paused the series for everyone. It goes on when they resume it, and there is nothing you need to do.
manage-while-paused = No part is sent while the series is paused. When you go on, it continues where you left off.
manage-while-paused-until = No part is sent before then. After that the series goes on by itself, where you left off.
manage-elsewhere = You can stop it from here, with the button at the end of this page. We do not show the address, because an e-mail can be forwarded. The list below is of what came here.
manage-may-move = Someone with a link that we sent to your address has asked us to send the series to another address. If that address confirms within a day, the series goes on there. Until then nothing changes here.
manage-stay = Keep it at this address
manage-ended = No more e-mails of this series are planned. If you want to start again, ask for the link below.
manage-resume = Go on with the series
manage-now = Send me the next part now
manage-parts = All parts
manage-part = Part { $part }:
manage-times = All times are on your clock ({ $zone }). Later parts are a forecast: each follows the one before it.
manage-choices = Change your plan
manage-pause = Pause the series
manage-pause-longer = Change the end of the pause
manage-pause-until = Pause until
manage-pause-hint = The series goes on by itself on that day.
manage-pause-date = Pause until this day
manage-pause-open = Pause until I come back
manage-spacing = Slower or faster
manage-spacing-between = Time between two parts
manage-spacing-series = As the series has it
manage-spacing-days = { $days ->
    [1] 1 day
   *[other] { $days } days
 }
manage-clock = Time zone and hour
manage-zone = Your time zone
manage-hour = Hour at which parts arrive
manage-hour-series = As the series has it ({ $time })
manage-save = Save
manage-calendar = Add the parts to my calendar
manage-calendar-what = A file for your calendar program, with the parts that are still to come. It names neither the series nor an illness. It does not change by itself: take it again after you have changed your plan.
manage-calendar-file = Calendar file (.ics)
manage-more = Condition, address, your data
manage-more-what = To change the condition or the e-mail address, to start again, to take a copy of what we have stored about you, or to have it erased, you need a link that we send to your address. It works for 15 minutes. That way nobody can do this with an e-mail that you forwarded.
manage-more-button = Send me the link
manage-stop = Stop the series

# A part on the calendar
part-received = Received
part-received-on = Received { date-long }
part-on-its-way = On its way to you
part-next = Arrives { date-long }, about { $time }
part-later = Expected { date-long }, about { $time }
part-waits = Still to come
part-unclear = We could not find out whether this part reached you. You can read it here.
part-refused = Your e-mail provider did not accept this part, so we could not deliver it.
part-left-out = Left out; the series went on with the next part
part-not-coming = Not planned
part-back = Back to your series

# The file for calendar programs: others may see what is in a calendar
calendar-event = E-mail series: part { $part } of { $parts }

# What has just been done
said-saved = Your change is saved.
said-hurried = The next part is on its way. It should be in your inbox in a few minutes.
said-nothing = There was nothing to change.
said-date = Nothing was changed: please choose a day after today, and within a year.
said-choice = Nothing was changed: please choose from the list.
said-condition = Your condition is changed. The next part has the passage for it.
said-address = If this address can get the series, we have sent it an e-mail with a link to confirm. Until that is pressed, nothing changes.
said-stays = The series stays at this address.
said-again = The series starts again. The first e-mail should be in your inbox in a few minutes.

# Behind a fresh link
fresh-title = More settings
fresh-lead = This page works for 15 minutes from when we sent you the link. For your safety, it shows neither your address nor your condition.
fresh-condition = Change the condition
fresh-condition-which = Which condition are you most interested in?
fresh-condition-hint = We store your answer encrypted. The parts that are still to come have the passage for it.
fresh-address = Change the e-mail address
fresh-address-new = Your new e-mail address
fresh-address-hint = We send a link to confirm to the new address. The link works for one day. When you press it, the series goes on there, with the next part as planned. The old address gets one note that it has moved, and after that no more parts.
fresh-address-button = Use this address
fresh-again = Start again
fresh-again-start = Start with the first part
fresh-again-there = Go on where I stopped
fresh-export = Take a copy of my data
fresh-export-what = A file with everything that we have stored about you: your address and condition, your plan, what you agreed to, and each e-mail that we sent you. Keep it in a safe place.
fresh-export-button = Download my data
fresh-erase = Erase my data
fresh-erase-what = We delete your address, your condition, your plan, what you agreed to and the list of what we sent you. The series ends, and the links in your e-mails stop working. This cannot be undone. What remains are counts that name nobody.
fresh-erase-stays = One exception: if your address is on our list of addresses that must never be written to, it stays on that list, so that we can keep that promise.
fresh-erase-button = Erase everything about me
fresh-sent-lead = If we can write to your address, a link is on its way to it. It works for 15 minutes.
fresh-sent-nothing = We send at most three such links a day, and only one every few minutes. If you do not see it, please look in your spam or junk folder.
fresh-expired-lead = For your safety, this link works for 15 minutes only. We can send you a new one.
erased-title = Everything is erased
erased-lead = We have deleted what we had stored about you.
erased-on-its-way = An e-mail that was being sent at this moment may still arrive.

part-your-condition = your condition
part-passage-left-out = This passage is left out here, because a link can be forwarded. It is in the e-mail itself, and behind the link “View in browser” of that e-mail.
