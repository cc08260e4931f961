# What keeps robots from signing other people up
guards-trap = Please leave this field empty
guards-disposable = This is an address for a short time. The series takes a few weeks: please use an address that you will keep.
guards-no-mail = No e-mail can be sent to the part after the @. Is there a typing mistake in it?
guards-ballots = Very many answers come from your network just now, or a robot sends them. Please try again in { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 }, or use another connection.
guards-network = Very many people sign up from your network just now, or a robot does. Please try again in { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 }, or use another connection.
guards-domain = Very many sign-ups for addresses like yours came in just now. So that nobody is flooded with e-mails, please try again in { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 }, or use another address.
guards-no-script = Your browser did not run our script, which keeps robots out, and too many sign-ups without it came in. Please turn on JavaScript for this page, or try again in { $minutes ->
    [one] { $minutes } minute
   *[other] { $minutes } minutes
 }.
guards-proof-working = One moment: your browser is proving that it is not a robot.
guards-proof-done = Done. Sending …

# The page with one button
once-more-title = One more press, please
once-more-elsewhere = You came from another page, so we ask once more. That way robots cannot sign other people up.
once-more-old = The page was open for a long time. Is all of this still right?
once-more-fast = That was fast! So that robots cannot sign other people up, we ask once more.
once-more-proof = The check that keeps robots out did not work, or took too long. Please press once more.
once-more-address = Your e-mail address
once-more-condition = Your condition
once-more-other = Not right? <a href="{ $again }">Fill in the form again</a>.
