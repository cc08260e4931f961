# The article, and what stands around it
article-sources = Sources
article-sponsor = Who pays for this:
article-review-pending = Last edited <time datetime="{ $date }">{ date-year }</time>. Medical review is pending.
article-review-done = Last edited <time datetime="{ $date }">{ date-year }</time>. Reviewed by { $reviewer }.
related-title = You might also like
related-sign-up = Sign up on the main page
series-list-title = Our series by e-mail
series-list-lead = Each begins with an article that you can read right away.

# Was this helpful?
helpful-question = Was this helpful?
helpful-yes = Yes
helpful-no = No
helpful-count = { $all ->
    [0] Nobody has answered yet.
    [1] { $yes ->
        [0] One reader has answered, and did not find it helpful.
       *[other] One reader has answered, and found it helpful.
     }
   *[other] { $yes } of { $all } readers found this helpful.
 }
helpful-once-more-yes = You chose <strong>Yes</strong>. Please press it once more, and we will count it. The second press keeps out robots, and counts nobody twice.
helpful-once-more-no = You chose <strong>No</strong>. Please press it once more, and we will count it. The second press keeps out robots, and counts nobody twice.
helpful-thanks = Thank you
helpful-said-yes = You found this helpful: <strong>{ $title }</strong>
helpful-said-no = You did not find this helpful: <strong>{ $title }</strong>
helpful-change-yes = I meant yes
helpful-change-no = I meant no
helpful-privacy = We count your answer, and keep nothing about you with it.
helpful-back = Back to the article
helpful-failed = This could not be counted just now. Please try again in a minute.

# Sharing
share-title = Share this page
share-mail = Send by e-mail
share-device = Share
share-copy = Copy the link
share-copied = The link is copied.
share-not-copied = The link could not be copied. It is in your browser’s address bar.
share-privacy = Your own e-mail program opens. We do not send anything, and do not learn whom you write to.
share-subject = An article: { $title }
share-body = I found this article and thought you might like to read it: { $url }

# The survey
survey-offer = A few quick questions
survey-offer-what = { $minutes ->
    [one] About one minute. Your answers are anonymous, and you can skip any question.
   *[other] About { $minutes } minutes. Your answers are anonymous, and you can skip any question.
 }
survey-offer-go = Answer the questions
survey-leave = Before you go
survey-dismiss = No, thank you
survey-how-long = { $minutes ->
    [one] This takes about one minute. You can skip any question.
   *[other] This takes about { $minutes } minutes. You can skip any question.
 }
survey-stale = Please press “Send” once more
survey-stale-what = This page was open for a long time. Your answers are still here.
survey-send = Send
survey-clear = Clear my answers
survey-privacy = We add your answers to counts, by day. We do not keep them together, nor with an address or anything else about you.
survey-thanks = Thank you
survey-thanks-lead = Your answers help us make this page better.

# The survey's figures, for admins
figures-title = Answers: { $title }
figures-before = All days before { date-year } (UTC)
figures-rule = Counts under { $smallest } are not shown, and the others are rounded down to a multiple of { $smallest }. Today’s answers come in tomorrow. So no single answer can be told from the figures.
figures-forms = At least { $forms } people have answered.
figures-no-forms = Fewer than { $smallest } people have answered.
figures-csv = All figures as CSV
figures-many = (several answers could be chosen)
figures-answer = Answer
figures-count = Count
figures-bar = Bar
figures-at-least = { $count } or more
figures-few = fewer than { $smallest }
