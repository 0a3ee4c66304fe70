"""An order amendment (kjøpers endring eller avbestilling): what a buyer's own system changes or cancels of an order in
UBL. It takes the same steps as over JSON."""
