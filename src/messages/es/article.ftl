# The article's page
article-sources = Fuentes
