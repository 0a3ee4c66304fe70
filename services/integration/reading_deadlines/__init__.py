"""A reading deadline (lesefrist) is when a letter that waits for its recipient counts as unread: 40 hours on working
days after it was offered, as SvarUT counts them for Altinn."""
