"""What a decision brings about in the moment it is made (tildeling): a new certificate, or one that is renewed or
extended, or none."""
