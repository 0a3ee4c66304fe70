"""What people see of a certificate without a token or a program: its page (sertifikatside) with the status of today,
and the badge (sertifikatmerke) that suppliers show on their own sites. Both are live: a print or a copied picture says
of which day it is."""
