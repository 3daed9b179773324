//! Groups, control words and bytes of Rich Text; anything can be cut in it, nothing can fail.

/// One step through the file.
pub(super) enum Word<'a> {
    Open,
    Close,
    /// Name and number of a control word or symbol.
    Control(&'a [u8], Option<i32>),
    /// `\*`: the destination that follows may be left out by those who do not know it.
    Optional,
    /// A byte written in hexadecimal.
    Byte(u8),
    Text(&'a [u8]),
}

/// Walks over a file.
pub(super) struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The first `count` bytes, taken.
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn while_is(&self, from: usize, is: impl Fn(u8) -> bool) -> usize {
        self.rest.get(from..).unwrap_or_default().iter().take_while(|byte| is(**byte)).count()
    }

    fn control(&mut self) -> Word<'a> {
        self.take(1);
        let letters = self.while_is(0, |byte| byte.is_ascii_alphabetic());
        if letters == 0 {
            return self.symbol();
        }
        let name = self.take(letters);
        let sign = usize::from(self.rest.first() == Some(&b'-'));
        let digits = self.while_is(sign, |byte| byte.is_ascii_digit());
        let value = if digits == 0 {
            None
        } else {
            std::str::from_utf8(self.take(sign + digits)).ok().and_then(|number| number.parse().ok())
        };
        if self.rest.first() == Some(&b' ') {
            self.take(1);
        }
        if name == b"bin" {
            let count = value.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
            self.take(count);
        }
        Word::Control(name, value)
    }

    fn symbol(&mut self) -> Word<'a> {
        let symbol = self.take(1);
        match symbol {
            b"'" => {
                let digits = std::str::from_utf8(self.take(2)).unwrap_or_default();
                Word::Byte(u8::from_str_radix(digits, 16).unwrap_or(b'?'))
            }
            b"*" => Word::Optional,
            b"\\" | b"{" | b"}" => Word::Text(symbol),
            b"\r" | b"\n" => Word::Control(b"par", None),
            symbol => Word::Control(symbol, None),
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        loop {
            return Some(match self.rest.first()? {
                b'{' => {
                    self.take(1);
                    Word::Open
                }
                b'}' => {
                    self.take(1);
                    Word::Close
                }
                b'\\' => self.control(),
                // Line ends are the writer's, not the text's.
                b'\r' | b'\n' | 0 => {
                    self.take(1);
                    continue;
                }
                _ => {
                    let plain =
                        self.while_is(0, |byte| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0));
                    Word::Text(self.take(plain))
                }
            });
        }
    }
}
