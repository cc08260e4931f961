# What surrounds every mail. In `$part` and `$parts` there may be a mark instead of a number.
mail-part = Part { $part } of { $parts }
mail-sources = Sources
mail-why-step = You get this e-mail because you asked for this series at
mail-why-system = You get this e-mail because somebody entered this address in the form at
mail-manage = See what comes next, or pause the series
mail-view = View in browser
mail-helpful = Was this part helpful?
mail-helpful-tell = Tell us
mail-unsubscribe = Unsubscribe
mail-unsubscribe-text = Unsubscribe, and get no more of it:
mail-privacy = Privacy
# Said by mails and pages about their own text
review-pending = Last edited { date-year }. Medical review is pending.
review-done = Last edited { date-year }. Reviewed by { $reviewer }.
# How long a link works
span-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
 }
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
 }
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
 }
