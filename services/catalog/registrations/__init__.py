"""A registration (registrering): an organisation says that it uses something, or another claims that it does; and what
is changed of it later."""
