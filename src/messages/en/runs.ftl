# Runs: what admins send by hand

admin-nav-runs = Runs
runs-title = Runs
runs-lead = What was sent by hand, to whom, and how far it is.
runs-new = Prepare a run
runs-number = Run
runs-what = What
runs-state = State
runs-accepted = Accepted
runs-at = Prepared (UTC)
runs-who = Who
runs-why = Why
runs-older = Older runs
runs-none = Nothing was sent by hand yet.

run-new-title = Prepare a run
run-new-lead = This sends nothing yet. You see first whom it would reach.
run-series = Series
run-for = Whom is it for?
run-for-reader = One reader
run-for-due-within = All whose next part is due within a time
run-for-not-received = All who have not received a part
run-for-received = All who have received a part, in one version if you name it
run-for-filter = All who fit a filter
run-for-list = A list of addresses
run-address = Address of the one reader
run-within = Due within, such as 12h or 2d
run-had = The part that they have received, or not
run-version = Version of the content
run-filter = The filter
run-state = State
run-any = Any
run-parts = Parts received
run-language = Language
run-condition-filter = Condition
run-condition-hint = With a condition, counts under five are not shown, no reader is named, and fewer than five are not reached.
run-since = Signed up from
run-until = Signed up until
run-addresses = The list
run-addresses-hint = One address in each line, or the rows of a CSV file. Only those who are subscribers already are reached. For more than about 1,000 addresses, use the command line.
run-what = What is sent?
run-what-next = To each the part that comes next, now
run-what-step = One part
run-what-correction = A correction
run-step = Part
run-choose = Please choose
run-again = Send the part again to those who have had it
run-correction = Correction
run-why = Why? It is recorded.
run-prepare = See whom it reaches

run-title = Run { $id }
run-by = Prepared by { $who }, { $at } UTC:
run-counting = Counting …
run-dry = Whom it reaches
run-reaches = { $readers ->
    [one] One reader
   *[other] { $readers } readers
 }
run-takes = At the configured rate this takes about { $time }.
run-reaches-nobody = Nobody fits, or all who do are left out. There is nothing to start.
run-unwanted = Not wanted after all?
run-by-state = By state
run-by-domain = By domain
run-other-domains = other domains
run-left-out = Who gets nothing, and why
run-not-subscribers = { $count ->
    [one] One address of the list is no subscriber’s.
   *[other] { $count } addresses of the list are no subscribers’.
 }
run-sample = A few of them
run-see-sample = Show a few of them
run-received = { $count ->
    [one] one part received
   *[other] { $count } parts received
 }
run-test = Send a test first
run-condition = As for this condition
run-test-to = To
run-test-send = Send the test
run-no-editors = Tests go only to editors. Name some in the configuration: admin.editors.
run-start = Start the run
run-type-number = Type the number of readers that it reaches
run-progress = Progress
run-settled = { $settled } of { $readers } have come to an end
run-rate = { $rate } a minute.
run-left = About { $time } left.
run-started = Started { $at } UTC.
run-ended = Ended { $at } UTC.
run-look-again = Look again
run-stop = Pause or stop
run-pause = Pause
run-resume = Go on
run-cancel = Cancel the run
run-throw-away = Throw the draft away
run-all = All runs

run-left-suppressed = the address is suppressed
run-left-not-active = paused, or through with the series
run-left-nothing-waits = no part waits
run-left-not-yet = have not come so far: the order is kept
run-left-received = have it already
run-left-under-way = it is on its way already
run-count-accepted = accepted
run-count-rejected = rejected
run-count-skipped = skipped
run-count-uncertain = uncertain
run-count-pending = pending
run-count-paused = paused
run-count-taken-back = taken back

runs-started = The run is started.
runs-paused = The run is paused. Nothing more of it is handed to a relay.
runs-resumed = The run goes on.
runs-cancelled = The run is cancelled. What no relay has yet is taken back.
runs-thrown-away = The draft is thrown away.
runs-test-sent = The test is on its way.
run-no-number = This is no number. Type how many readers the run reaches.

series-is-sent = This series is sent.
series-is-paused = This series is paused: nothing of it is sent.
series-pause = Pause the series
series-resume = Go on with the series
series-overdue = What becomes of the parts that fell due meanwhile?
series-overdue-send = Send them now, as fast as the relays may
series-overdue-shift = Shift all that waits by the length of the pause
series-overdue-skip = Skip them, and go on with the part after
series-paused = The series is paused.
series-resumed = The series goes on.
