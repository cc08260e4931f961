# The article's page
article-sources = Sources
