# The pages of the people who run the service

# Around every page
admin-brand = Administration
admin-nav = Administration
admin-nav-overview = Overview
admin-nav-embed = Sign-up box
admin-nav-people = People
admin-nav-tokens = Tokens
admin-nav-audit = Audit log
sign-out = Sign out

# Getting in
sign-in-title = Sign in
sign-in-address = E-mail address
sign-in-password = Password
sign-in-button = Sign in
sign-in-elsewhere = Sign in with { $provider }
sign-in-elsewhere-failed = Signing in with { $provider } did not work. Please try again. Only admins who were invited here get in: if it stays so, ask an owner.
sign-in-elsewhere-away = { $provider } does not answer just now. Please try again in a moment, or use your password.
provider-title = You sign in elsewhere
provider-lead = You are on your way to { $provider }, and will be led back here.
provider-go = Go on
provider-back = Back to the sign-in
sign-in-forgot = Forgot your password?
sign-in-wrong = Address or password is wrong. Please try again.
sign-in-wait = There were too many wrong tries. Please wait { $seconds ->
    [one] one second
   *[other] { $seconds } seconds
 } and try again.
second-factor-title = Second step
second-factor-lead = Open your authenticator app and type in its code.
second-factor-code = Code
second-factor-hint = Six digits, or one of your recovery codes.
second-factor-wrong = This code is wrong, or was used before. Please wait for the next one.
second-factor-other = Sign in as somebody else
forgot-title = Choose a new password
forgot-lead = We send you a link with which you choose a new password.
forgot-button = Send me the link
forgot-sent = If this address is an admin’s, a link is on its way to it. It works for one hour.
choose-title = Choose a password
choose-lead = Welcome, { $name }. With this password you sign in from now on.
choose-button = Save the password
choose-done = Your password is saved. Please sign in with it.
link-gone-title = This link works no more
link-gone-lead = It was used before, or it is too old. Ask for a new one.
password-new = New password
password-hint = At least 12 characters. A few words in a row are good and easy to remember.
password-present = Your present password
password-change = Change the password
password-changed = Your password is changed. You are signed out everywhere else.
password-wrong = Your present password is another one. Nothing was changed.
password-too-short = The password needs at least 12 characters.
password-too-long = This password is too long.
password-guessable = This password is too easy to guess. Please choose another one.
forbidden-title = You may not do this
forbidden-right = This needs the right “{ $right }”, which your role does not have. An owner can change your role.
forbidden-form = This form was not sent from one of our pages, or you have signed in anew since. Please go back, load the page again, and press once more.
forbidden-back = Back to the overview
refused = This was not done: { $why }.

# One’s own account
account-title = Your account
account-who = { $name }, { $address }. Your role: { $role }.
account-password = Password
account-second-factor = Second step at sign-in
account-sessions = Where you are signed in
second-factor-on = It is on. { $left ->
    [one] One recovery code is
   *[other] { $left } recovery codes are
 } left.
second-factor-off = It is off. With an authenticator app, a stolen password alone lets nobody in.
second-factor-turn-on = Turn it on
second-factor-turn-off = Turn it off
second-factor-turned-off = The second step is off.
codes-renew = Make new recovery codes
codes-title = Your recovery codes
codes-lead = Each of these signs you in once when you do not have your app. They are shown only now: print them, or keep them in a password manager.
codes-kept = I have kept them
offer-title = Turn on the second step
offer-lead = Take a picture of this with your authenticator app.
offer-picture = A QR code for an authenticator app. The same as text stands below.
offer-key = Or type this key into the app:
offer-code = The code that the app shows
offer-wrong = This code is wrong. Please try the next one that the app shows.
offer-not-now = Not now
session-here = this browser
session-times = Since { $begun } UTC, last seen { $seen } UTC
session-end = Sign out there
session-end-all = Sign out everywhere else
session-ended = You are signed out there.
sessions-ended = You are signed out everywhere else.

# The people
people-title = People
people-link = A link to choose a password
people-link-lead = It is shown only now, and works once, for seven days. Hand it over in a safe way. A mail with another link is on its way, too.
people-self = you
people-disabled = disabled
people-signed-in = Last signed in { $at } UTC.
people-never = Has never signed in.
people-second-factor = Second step is on.
people-no-second-factor = Second step is off.
people-change = Change
people-role = Role
people-role-hint = A viewer sees figures. An editor works on the content, too. An operator sees readers, sends and pauses. An owner may do everything.
people-set-role = Set the role
people-make-link = Make a link to choose a password
people-reset-second-factor = Turn off the second step
people-disable = Disable
people-enable = Enable again
people-invite = Invite somebody
people-name = Name
people-invited = The invitation is on its way.
people-changed = It is done.

# Programs’ tokens
tokens-title = Tokens for programs
tokens-lead = A program uses the API with a token of its own, and may do only what that token is for.
tokens-made = The new token
tokens-made-lead = It is shown only now. The program sends it as “Authorization: Bearer …”.
tokens-revoked = revoked { $at } UTC
tokens-made-by = Made { $at } UTC by { $name }.
tokens-made-at = Made { $at } UTC.
tokens-used = Last used { $at } UTC.
tokens-unused = Never used.
tokens-expires = Good until { $at } UTC.
tokens-revoke = Revoke
tokens-none = There is no token yet.
tokens-make = Make a token
tokens-name = What is it for?
tokens-rights = What it may do
tokens-days = For how many days? Leave it empty for a token without an end.
tokens-gone = The token is revoked.

# The audit log
audit-title = Audit log
audit-lead = Who did what, from where, and why. It names no reader: “subscriber” is a number, which means nothing once the reader is erased.
audit-who = Who
audit-action = What
audit-any = Everything
audit-target = To what
audit-from = From
audit-until = Until
audit-search = Search
audit-csv = Take these out as a CSV file
audit-none = Nothing fits.
audit-older = Older entries

# The mail with a link
admin-mail-subject = Choose your password
admin-mail-invitation = Hello { $name }, you are invited to work with { $site }. Choose a password with this link. It works once, for seven days.
admin-mail-reset = Hello { $name }, somebody asked for a new password of yours at { $site }. Choose it with this link. It works once, for one hour.
admin-mail-not-you = If you did not ask for this, you need not do anything.

admin-nav-readers = Readers
admin-nav-webhooks = Webhooks
webhooks-title = Webhooks
webhook-title = A webhook
webhooks-done = Done.
webhooks-deleted = The webhook is deleted.
admin-nav-imports = Imports
import-new-title = Take readers in from a file
imports-sent = The file is here. A dry run looks at every line now.
imports-started = The readers are being taken in.
imports-cancelled = It is cancelled, and the file is deleted.
imports-title = Imports
import-title = An import
readers-title = Readers
reader-gone-title = There is no such reader
reader-title = A reader
sent-title = A mail as it was sent

# The overview
live-nobody-dispatches = No process sends mail: start one with “regimen serve” or “regimen dispatch”.
live-overdue = { $count ->
    [one] One mail is overdue: it was due more than ten minutes ago, was never tried, and nobody paused it. See whether a process below sends, and whether a relay answers.
   *[other] { $count } mails are overdue: they were due more than ten minutes ago, were never tried, and nobody paused them. See whether a process below sends, and whether a relay answers.
 }
live-paused = paused
live-new = Nobody has signed up yet. The figures come with the first reader.
live-funnel = How far readers come
live-stage = Stage
live-readers = Readers
live-signed-up = Signed up
live-confirmed = Confirmed
live-part = Part { $part }
live-completed = Completed
live-delivered = Accepted a day
live-lateness = Lateness: minutes within which 95 of 100 parts were accepted
live-coming = Falls due in the next seven days
live-highest = at most { $count }
live-as-numbers = As numbers
live-next-hour = { $count ->
    [one] One mail falls due within the hour or is due now. A reader’s later parts are planned when the one before was accepted.
   *[other] { $count } mails fall due within the hour or are due now. A reader’s later parts are planned when the one before was accepted.
 }
live-books = The books
live-mail = Mail
live-due = Due
live-accepted = Accepted
live-waiting = Waiting
live-skipped = Skipped
live-rejected = Rejected
live-uncertain = Uncertain
live-later = Not due yet
live-total = All
live-repeats = (again)
live-rule = Due = accepted + waiting + skipped + rejected + uncertain.
live-as-of = Counted at { $at } (UTC).
live-nodes = Processes
live-node = Process
live-role = Does
live-started = Since (UTC)
live-seen = Seen (UTC)
live-holds = Holds
live-silent = silent
live-relays = Relays today
live-relay = { $relay }: { $count ->
    [one] one mail
   *[other] { $count } mails
 }
kind-confirmation = Confirmation
kind-reminder = Reminder
kind-already-signed-up = Already signed up
kind-fresh-link = Fresh link
kind-move = Move
kind-moved = Moved
kind-correction = Correction
reader-done = It is done, and written down.
