"""A login page (innloggingsside): what people see of a login provider, in bokmål, nynorsk and English, without
anything from another machine."""
