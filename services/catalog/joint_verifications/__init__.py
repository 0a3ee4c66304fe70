"""A joint verification (samlet verifisering): whether several products together meet a requirement specification, each
must requirement by at least one of them. Nothing is certified by it; it says which certificate answers for what."""
