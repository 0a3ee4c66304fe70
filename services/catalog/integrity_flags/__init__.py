"""An integrity flag (integritetsmerke): something about a certificate's record that whoever watches over the scheme
should look at. It blocks nothing and accuses nobody; it follows from what is only ever added, so that none can be
left out."""
