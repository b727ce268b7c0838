"""What both reconcilers would do, one after the other, until there is nothing left to do: they run as
they are, on copies (decision 56)."""
