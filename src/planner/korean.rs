//! Particles of Korean: what is written onto a word, and the word without it.

/// Longer ones first.
const PARTICLES: &[&str] = &[
    "에서부터",
    "으로부터",
    "이라는",
    "이라고",
    "에게서",
    "한테서",
    "로부터",
    "에서",
    "에게",
    "한테",
    "께서",
    "부터",
    "까지",
    "으로",
    "이랑",
    "이나",
    "이든",
    "이란",
    "하고",
    "처럼",
    "보다",
    "마다",
    "라는",
    "라고",
    "라도",
    "조차",
    "이며",
    "에",
    "께",
    "로",
    "과",
    "와",
    "을",
    "를",
    "은",
    "는",
    "이",
    "가",
    "의",
    "도",
    "만",
    "랑",
    "나",
    "란",
    "들",
    "요",
    "쯤",
    "경",
    "간",
    "중",
    "내",
    "씩",
];
/// Particles that a word of a search loses. `도`, `간`, `중`, `내` and such are too often part of a word.
const LOOSE: &[&str] = &[
    "에서부터",
    "으로부터",
    "이라는",
    "이라고",
    "에게서",
    "한테서",
    "로부터",
    "에서",
    "에게",
    "한테",
    "께서",
    "부터",
    "까지",
    "으로",
    "이랑",
    "이나",
    "하고",
    "라는",
    "라고",
    "에",
    "로",
    "과",
    "와",
    "을",
    "를",
    "은",
    "는",
    "이",
    "가",
    "의",
    "만",
    "랑",
    "나",
    "들",
];
/// Words that end like a particle.
const WHOLE: &[&str] = &[
    "회의",
    "강의",
    "논의",
    "합의",
    "심의",
    "협의",
    "문의",
    "동의",
    "정의",
    "결의",
    "주의",
    "건의",
    "사이",
    "어린이",
    "차이",
    "휴가",
    "평가",
    "허가",
    "추가",
    "참가",
    "경로",
    "통로",
    "도로",
    "서로",
    "새로",
    "결과",
    "성과",
    "효과",
    "초과",
    "통과",
    "아이디어",
    "오이",
    "마을",
    "가을",
    "겨울",
    "공고",
    "데이터베이스",
    "인터페이스",
    "하나",
    "지나",
    "원가",
    "단가",
    "주가",
];

/// A particle, or two of them.
pub(super) fn is_tail(text: &str) -> bool {
    let rest_is_one = |particle: &str| {
        text.strip_prefix(particle).is_some_and(|rest| rest.is_empty() || PARTICLES.contains(&rest))
    };
    PARTICLES.iter().any(|particle| rest_is_one(particle))
}

/// `인`, `이야`, `입니다`: what makes a statement of a noun.
pub(super) fn is_copula(text: &str) -> bool {
    [
        "인",
        "이야",
        "야",
        "입니다",
        "이에요",
        "예요",
        "이라",
        "님",
        "님이",
        "님께",
        "님이랑",
        "님에게",
        "님한테",
    ]
    .contains(&text)
}

/// What is written onto `base`, when `text` is `base` with or without a particle.
pub(super) fn tail<'a>(text: &'a str, base: &str) -> Option<&'a str> {
    text.strip_prefix(base).filter(|rest| rest.is_empty() || is_tail(rest))
}

/// Whether the last syllable ends in a consonant.
fn is_closed(text: &str) -> Option<bool> {
    let last = u32::from(text.chars().next_back()?);
    (0xAC00..=0xD7A3).contains(&last).then(|| !(last - 0xAC00).is_multiple_of(28))
}

/// Whether a particle may follow such a word at all: 이 after a consonant, 가 after a vowel.
fn agrees(stem: &str, particle: &str) -> bool {
    let Some(closed) = is_closed(stem) else { return true };
    match particle {
        "이" | "을" | "은" | "과" | "으로" | "이랑" | "이나" | "이라는" | "이라고" | "으로부터" => {
            closed
        }
        "가" | "를" | "는" | "와" | "나" | "랑" | "라는" | "라고" => !closed,
        // After ㄹ as well.
        "로" | "로부터" => {
            !closed || u32::from(stem.chars().next_back().unwrap_or(' ')).wrapping_sub(0xAC00) % 28 == 8
        }
        _ => true,
    }
}

/// A word and its particle; at least two syllables stay.
pub(super) fn stem(text: &str) -> (&str, &str) {
    split(text, 2)
}

/// A name and its particle; one syllable may stay.
pub(super) fn name(text: &str) -> (&str, &str) {
    split(text, 1)
}

fn split(text: &str, least: usize) -> (&str, &str) {
    if WHOLE.iter().any(|word| text.ends_with(word)) {
        return (text, "");
    }
    let fits = |particle: &&&str| {
        text.strip_suffix(**particle)
            .is_some_and(|stem| stem.chars().count() >= least && agrees(stem, particle))
    };
    let Some(particle) = LOOSE.iter().find(fits) else { return (text, "") };
    let stem = text.strip_suffix(particle).unwrap_or(text);
    (stem, text.get(stem.len()..).unwrap_or_default())
}

/// Whether a word is the end of a request ("해줘", "있나요") and nothing to search for.
pub(super) fn is_verb(text: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "줘",
        "줘요",
        "주세요",
        "줄래",
        "줄래요",
        "주라",
        "주십시오",
        "줄수",
        "봐",
        "봐요",
        "보자",
        "볼래",
        "있어",
        "있어요",
        "있나",
        "있나요",
        "있니",
        "있는지",
        "있을까",
        "없어",
        "없나",
        "었어",
        "았어",
        "했어",
        "됐어",
        "왔어",
        "갔어",
        "했나",
        "했지",
        "됐지",
        "왔나",
        "왔지",
        "왔니",
        "할까",
        "인가",
        "인가요",
        "인지",
        "니까",
        "습니다",
        "습니까",
        "합니다",
        "할게",
        "싶어",
        "싶어요",
        "싶은데",
        "하자",
        "이야",
        "이지",
        "거야",
        "건데",
        "는데",
        "야",
        "지",
        "죠",
        "까",
        "니",
        "냐",
        "래",
        "래요",
        "세요",
        "해요",
        "해",
        "돼",
        "어때",
        "어떄",
        "하는",
        "되는",
        "있는",
        "없는",
        "했던",
        "하던",
        "였던",
        "된",
        "했는지",
    ];
    // Nouns end in one of the single syllables too, so those count in longer words only.
    ENDINGS.iter().any(|ending| {
        text.strip_suffix(ending).is_some_and(|stem| ending.chars().count() > 1 || stem.chars().count() > 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_are_told_from_the_ends_of_words() {
        for (text, word) in [
            ("예산안이", "예산안"),
            ("회의", "회의"),
            ("김민지가", "김민지"),
            ("견적서나", "견적서"),
            ("전문가", "전문가"),
            ("보고서를", "보고서"),
            ("결과", "결과"),
            ("서울로", "서울"),
            ("계약", "계약"),
            ("설계도", "설계도"),
        ] {
            assert_eq!(stem(text).0, word, "{text}");
        }
        assert_eq!(name("밥이"), ("밥", "이"));
        assert_eq!(tail("일부터", "일"), Some("부터"));
        assert_eq!(tail("일정", "일"), None);
        assert!(is_tail("까지만") && !is_tail("까지막"));
    }
}
