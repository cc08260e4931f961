# The sign-up box on other sites
embed-title = Sign up for a series by e-mail
embed-link = Sign up for this series by e-mail
embed-link-to = Sign up for “{ $title }”, a series by e-mail
embed-no-frame = No form here? Sign up on our page.
embed-site = Read the article first

# Where the admins' pages begin
admin-title = Overview
admin-lead = How each series does. While you look, the figures are told anew.
admin-embed = The sign-up box for other sites
admin-figures = The survey’s answers
admin-article = The article
admin-api = What the API can do
api-title = What the API can do
api-lead = For those who write programs. Every call wants the header “Authorization: Bearer” with a token.
api-calls = Calls

# What publishers copy
snippets-list-title = The sign-up box for other sites
snippets-list-lead = Choose a series to see what to copy, and how the box looks.
snippets-title = The sign-up box for other sites: { $title }
snippets-lead = Readers can sign up where they read. Choose a look, then copy one of the three below into the page.
snippets-look = Language and colors
snippets-language = Language of the box
snippets-language-auto = As the page around it
snippets-theme = Colors
snippets-theme-auto = As the reader’s system
snippets-theme-light = Always light
snippets-theme-dark = Always dark
snippets-show = Show
snippets-preview = How it looks
snippets-preview-what = This is the real box: an address that you type in here is asked to confirm.
snippets-script = As a script
snippets-script-what = The best choice for most. The box is as high as it needs to be, and a link stands in for it where it cannot be shown. Put it where the box should appear.
snippets-frame = As a frame
snippets-frame-what = For pages without scripts. The height is fixed: where the box needs more, it scrolls.
snippets-form = As a plain form
snippets-form-what = Looks as your page does, and needs neither script nor frame. Since it cannot show that it is fresh, readers press one more button on a page of ours.
snippets-csp = If the page has a Content-Security-Policy, add this to it:
snippets-copy = Copy
snippets-copied = Copied.
snippets-not-copied = This could not be copied: select the text and copy it yourself.
snippets-origins = Where it may stand
snippets-origins-some = These sites may show the box in a frame:
snippets-origins-none = No other site may show the box in a frame yet.
snippets-origins-how = Whoever runs this service names the sites in its configuration, and starts it again:
snippets-origins-form = On any other site, the script shows a link to our page instead. The plain form works on every site.
snippets-seen = The site around the box learns how high it is and when another page is shown in it. It never learns what a reader types or chooses, nor whose address is known here.
