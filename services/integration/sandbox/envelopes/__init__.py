"""An envelope (kryptert konvolutt): a file that only the holder of a certificate's key can read, as CMS EnvelopedData
(RFC 5652); SvarInn hands out nothing else, and SvarUT takes documents so."""
