"""What measures of texts share: how a text is cut into words, and how rich the words are."""
