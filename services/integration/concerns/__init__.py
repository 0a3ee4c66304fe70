"""A concern (bekymring) is a letter that somebody should look at: stuck, late, unknown, silent or unread."""
