# The reader's pages. `<strong>` and links are allowed where a template asks with `th`.

# Every page
shell-skip = Skip to the text
shell-start = Start page
shell-sign-up = Sign up
shell-disclaimer = We share general information. It cannot take the place of your doctor.
shell-legal = Legal
shell-privacy = Privacy policy
shell-terms = User agreement
shell-language = Language

# The sign-up box
sign-up-eyebrow = A series by e-mail
sign-up-problem = Please look at this again
sign-up-not-yet = You are not signed up yet
sign-up-press-again = What you typed is still here: press “Get started” once more.
sign-up-what = You will receive { $parts ->
    [1] one e-mail
    [2] two e-mails
    [3] three e-mails
    [4] four e-mails
    [5] five e-mails
    [6] six e-mails
    [7] seven e-mails
    [8] eight e-mails
    [9] nine e-mails
    [10] ten e-mails
    [11] eleven e-mails
    [12] twelve e-mails
   *[other] { $parts } e-mails
 }, in plain words, with a passage about the condition you choose. You can stop at any time.
sign-up-condition = Which of the following conditions are you MOST interested in?
sign-up-condition-hint = We store your answer encrypted, and use it only to choose that passage.
sign-up-choose = Choose one
sign-up-address = Your e-mail address
sign-up-button = Get started
sign-up-agree = By pressing “Get started”, you agree to our <a href="/privacy">privacy policy</a> and <a href="/terms">user agreement</a>.
sign-up-error = Error:
sign-up-title-again = Please look again: { $title }
sign-up-title-later = Please try again: { $title }
sign-up-no-condition = Please choose one from the list.
address-empty = Please enter your e-mail address.
address-too-long = This address is too long: at most 254 characters, with at most 64 before the @.
address-control = An e-mail address cannot contain line breaks or other control characters.
address-syntax = This does not look like an e-mail address. It should look like name@example.org.
address-domain = The part after the @ is not a domain that mail can be sent to. It should look like example.org.

# After a sign-up
check-inbox-title = Check your inbox
check-inbox-lead = We have taken in your request. One more step, and the series can begin.
check-inbox-open = <strong>Open the e-mail from us.</strong> It should arrive within a few minutes.
check-inbox-press = <strong>Press the button in it.</strong> That way we know that the address is yours.
check-inbox-read = <strong>Read the first part.</strong> We send it as soon as you have confirmed.
check-inbox-nothing = No e-mail from us?
check-inbox-spam = Please look in your spam or junk folder first. If it is not there either, the address may have a typing mistake in it: <a href="{ $again }">sign up again</a>, it does no harm.
check-inbox-before = Signed up before? Then there may be no button to press, or no new e-mail. The series simply goes on.
new-link-lead = A new link is on its way. It should arrive within a few minutes.
new-link-what = Open the newest e-mail from us and press the button in it. If you do not see it, please look in your spam or junk folder, too.

# Confirming
confirm-title = Please confirm
confirm-lead = One press, and we will send you <strong>{ $series }</strong>.
confirm-button = Yes, send me the series
confirm-agree = By confirming, you agree to our <a href="/privacy">privacy policy</a> and <a href="/terms">user agreement</a>. You can stop at any time, with the link in every e-mail.
confirm-not-you = You did not ask for this? Then close this page. Without your yes, we send no part of the series.
confirmed-title = You are signed up
confirmed-lead = Thank you for confirming. <strong>{ $series }</strong> is on its way to you.
confirmed-first = <strong>{ $parts ->
    [1] The first and only part comes now.
   *[other] The first part comes now.
 }</strong> It should be in your inbox in a few minutes.
confirmed-others = <strong>The others follow one at a time.</strong> There are { $parts } in all, with a few days between them.
confirmed-charge = <strong>You stay in charge.</strong> Each e-mail has a link to pause the series, and one to stop it.
confirmed-close = You can close this page now.
confirm-move-title = Get the series here?
confirm-move-lead = Someone who gets <strong>{ $series }</strong> asked us to send it to this address from now on. If that was you, press once.
confirm-move-button = Yes, send it here
confirm-move-not-you = You did not ask for this? Then close this page. Without your yes, nothing is sent here.
moved-here-title = The series goes on here
moved-here-lead = Thank you. From now on, <strong>{ $series }</strong> comes to this address.
moved-here-next = The next part comes when it was planned, and nothing that you have had comes again. We have told the old address that the series has moved, but not where to.
moved-here-charge = Each part has a link to pause the series, and one to stop it.
nothing-moved-title = Nothing has changed
nothing-moved-lead = This link can no longer bring <strong>{ $series }</strong> to this address.
nothing-moved-why = Such a link works for one day. It also stops working when the series is stopped at the old address, or when the wish is taken back there.
nothing-moved-again = If you still get the series at the other address, you can ask again from there. Otherwise you can <a href="/#sign-up">sign up</a> with this address.
elsewhere-title = The series goes to another address now
elsewhere-lead = <strong>{ $series }</strong> was moved from this address to another one. If that is not what you want, stop it here.
already-confirmed-title = You have already confirmed
already-confirmed-lead = You are signed up for <strong>{ $series }</strong>. There is nothing more to do.
already-confirmed-missing = Missing an e-mail? Please look in your spam or junk folder. To pause or stop the series, use the links at the end of each part.
expired-title = This link is too old
expired-lead = For your safety, the link to confirm works only for a while. We can send you a new one for <strong>{ $series }</strong>.
expired-button = Send me a new link
expired-where = It goes to the same e-mail address as before.
superseded-title = There is a newer link
superseded-lead = We have sent you a newer e-mail for <strong>{ $series }</strong> since this one. Please use the link in that one.
superseded-look = Look for the latest “Please confirm” e-mail from us in your inbox. If you do not see it, look in your spam or junk folder, too.

# Leaving
unsubscribe-title = Stop the series?
unsubscribe-lead = One press, and you will get no more parts of <strong>{ $series }</strong>.
unsubscribe-button = Unsubscribe
unsubscribe-mistake = Pressed the link by mistake? Then close this page. Nothing has changed.
unsubscribed-title = You are unsubscribed
unsubscribed-lead = You will get no more parts of <strong>{ $series }</strong>.
unsubscribed-back = An e-mail that was already on its way may still arrive. You can come back any time by <a href="/#sign-up">signing up</a> again. The series then goes on where you left off.
never-title = Was this not you?
never-lead = Then someone typed in your address, perhaps by mistake. We are sorry for the trouble. One press, and we will never write to it again.
never-button = Never write to me again
never-nothing = If you do nothing, we send no part of the series without your yes. If you may want to sign up one day, close this page instead.
never-done-title = We will not write again
never-done-lead = Your address is on our list of addresses that get nothing from us, even if someone types it in again.

# Policies
policy-version = Version of { $version }

# Errors
error-number = Error { $status }
error-start = Go to the start page
error-not-here = This page is not here
error-later = Please try again in a minute
error-not-so = That does not work here
error-wrong = Something went wrong
error-no-page = There is no page at this address. Start from the front page.
error-no-article = There is no such article. Start from the front page.
error-no-series = There is no such series.
error-no-file = There is no such file.
error-nothing-published = Nothing is published here yet.
error-method = This page cannot be used that way. Start from the front page.
error-media = Please use the form on our page, or send JSON.
error-gone = What this link belonged to is no longer here. You can sign up again from the start page.
error-link-incomplete = This link does not work: it is incomplete. Open the link from the e-mail again, or copy all of it.
error-link-altered = This link does not work: it was altered, or is not one of ours. Open the link from the e-mail again.
error-link-other = This link does not work here: it is meant for something else. Open the link from the e-mail again.
error-refused = This cannot be done just now. Please go back and look again.
error-busy = Very many people are here just now. Please try again in a few seconds.
error-unavailable = The service cannot write to its database just now. Please try again in a minute.
error-internal = Something went wrong on our side. Please try again later.
