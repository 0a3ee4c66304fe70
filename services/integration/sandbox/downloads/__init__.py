"""Downloads (nedlastinger): a letter's document, fetched at the address that SvarUT gives its recipient."""
