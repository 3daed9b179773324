//! Words that carry a request and are nothing to search for.

use super::korean;
use std::collections::HashSet;
use std::sync::LazyLock;

const ENGLISH: &str = "a an the my mine me i i'm i've i'd we our us you your he she they them their his her its it it's this that \
    these those is are was were be been being am do does did done doing has have haven't hasn't had having can can't could \
    couldn't would will won't shall should may might must please pls plz kindly thanks thank hi hello hey and or but if so \
    than then there here what what's which who who's whom whose when when's where where's why how any anything some something \
    everything all every each either both of in on at to for from by with about as into onto over under up out off not no yes \
    just only also too very really show shows list lists find search searching get gets give fetch pull look looking looks \
    check checking see display tell read bring want need needs like help let let's come came comes coming receive received \
    receives got getting sent send sends written wrote write know knows whether anyone anybody someone somebody everyone \
    reply replies replied respond responded responses response say said says mention mentions mentioned mentioning contain \
    contains containing include includes including included regarding concerning related relating relation re subject line \
    title titled called named topic topics between since until till before after during within through ago recent recently \
    latest last next previous past today yesterday tomorrow now currently still yet already again more most many much few \
    several couple lot lots number count total summary summarize summarise summarized overview digest breakdown statistics \
    stats analyze analyse analysis trend trends grouped group per day people person stuff things thing item items one ones \
    result results hit hits entry entries inbox folder folders box account mailbox emailed mailed emailing talk talked \
    discussed discuss discussing discussion exchange exchanged correspondence conversation conversations view open locate \
    where'd i'll you'd possible able there's here's that's he's she's don't doesn't didn't isn't aren't wasn't weren't other \
    others another same kind type around sometime anytime back ever never maybe perhaps also via under these quick quickly \
    exactly first time times date dated make makes made go goes going happen happening happened planned plan plans scheduled \
    booked set work worked working edited edit modified modify changed change updated created opened saved uploaded added \
    shared share posted texted forwarded asked arrived arrive arriving waiting pending upcoming current who've whats im ive \
    hows there're were't having full entire whole complete available words word keyword keywords phrase name names mail's \
    status trying try tried remember recall hear heard probably likely attend attending attends saying notice noticed sure news post \
    posts discuss modified changes matter matters latest older newer old rest remaining left happen did't wanna gonna lately \
    guess believe think thought supposed figure tell told telling ask asking asks speak spoke heard pull pulled hit want \
    across among using use used look-up lookup lookups retrieve return give-me my's order sort sorted by sender senders \
    recipient day's free busy slot slots happens do's was't whoever whatever wherever ago's me. etc eg ie pm am";
const KOREAN: &str = "것 거 건 게 걸 것들 거야 중 중에 중에서 중의 관련 관련된 관련한 관련해 관련해서 관한 관해 관해서 대한 대해 대해서 포함 포함된 포함한 \
    포함하는 포함되어 들어간 들어있는 들어 있는 있는 없는 있던 있었던 언급된 언급한 언급 라는 이라는 담긴 적힌 내용 내용의 내용이 온 오는 왔던 왔어 왔는지 \
    왔니 왔나 받은 받는 받았던 받았어 받았는지 보낸 보내신 보내준 보내주신 보내는 보냈던 보냈어 보냈는지 보냈나 도착한 도착 수신한 수신 발송한 발신 쓴 작성한 작성된 수정한 \
    수정된 편집한 변경한 변경된 공유한 공유된 공유받은 올린 올라온 만든 저장한 저장된 열어본 본 한 하는 했던 할 된 되는 나 내 나의 제 저 저의 나는 저는 내가 \
    제가 나한테 나에게 저한테 저에게 우리 우리가 누가 누구 누구한테 무엇 무슨 뭐 뭐가 뭐야 뭔지 뭘 뭔가 어떤 어느 어디 어디에 어디서 어디있어 언제 언제야 왜 어떻게 \
    얼마나 얼마 몇 좀 그 이 저 그리고 그런데 또는 혹은 및 또 더 다 잘 꼭 혹시 바로 지금 현재 아직 이미 다시 계속 모두 모든 전부 전체 각각 각 별 등 등의 때 \
    사이 사이에 동안 기간 이후 이전 부터 까지 최근 최근에 요즘 오늘 어제 내일 지난 이번 다음 찾아 찾아줘 찾아봐 찾아주세요 찾기 찾을 찾고 검색 검색해 검색해줘 \
    보여 보여줘 보여주세요 보기 알려 알려줘 알려주세요 알고 알려줄래 조회 조회해줘 확인 확인해줘 확인해 목록 리스트 목록을 정리 정리해줘 요약 요약해줘 분석 \
    분석해줘 통계 현황 개수 갯수 건수 횟수 수 총 개 건 통 번 번째 줘 주세요 해줘 해주세요 줄래 볼래 부탁해 부탁드려요 싶어 싶은데 봐 있어 있나 있니 있나요 \
    있어요 있는지 있을까 없어 없나 없나요 가장 제일 많이 많은 적은 사람 사람별 사람별로 보낸사람 보낸이 발신자 발신자별 날짜별 일별 주별 월별 별로 제목 제목에 제목이 \
    제목의 제목인 나눈 나눴던 주고받은 주고받았던 오간 오고간 함께 같이 하고 에서 에게 한테 에 의 을 를 은 는 와 과 로 으로 도 만 이나 나 님 씨 것만 것은 거만 \
    걸로 골라 골라줘 뽑아 뽑아줘 가져와 가져와줘 불러와 열어 열어줘 읽어 읽어줘 메일함 편지함 폴더 이야기 얘기 말한 말했어 말했던 했어 했지 했나 하자 논의한 논의했던 \
    나온 나왔던 예정된 예정 잡힌 잡혀 잡힌게 진행 진행한 진행된 참석하는 참석한 참석 관련된것 관련된거 뭐있어 뭐있지 뭐있나 그거 이거 저거 여기 거기 적어둔 적은 적어놓은 정리한 만들어둔 공유 뭐라고 말했는지 얘기한 이야기한 \
    시간 날짜 순 순으로 정렬 정렬해줘 최신 대로 위주로 위주 하나 하나만 만해 남은 해당 해당하는 따로 한번 한 번 시작 끝 일 주 달 년 월 답장 답장이 회신 회신이 \
    답변 답변이 온거 온것 온게 받은거 받은것 보낸거 보낸것 있던거 찾는 궁금해 궁금 궁금한데 필요해 필요한 주실래요 주시겠어요 부탁 부탁합니다 그중 그중에 뭐야 무엇인가요 \
    무엇이 언제인지 언제인가요 몇개 몇건 몇통 몇번 어떻게돼 돼 되나 되나요 봐줘 봐주세요 체크 체크해줘 서로 사람들 사람이 사람은 나왔는지 어디있지 어딨어 어딨지 있지";

static STOP: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| ENGLISH.split_whitespace().chain(KOREAN.split_whitespace()).collect());

/// Whether a word in lower case carries the request only.
pub(super) fn is_stop(word: &str) -> bool {
    if STOP.contains(word) {
        return true;
    }
    if word.is_ascii() {
        return false;
    }
    let copulas = ["이에요", "입니다", "인가요", "이지", "이야", "예요", "야", "지", "죠", "요"];
    if copulas.iter().any(|copula| word.strip_suffix(copula).is_some_and(|stem| STOP.contains(stem))) {
        return true;
    }
    let (stem, particle) = korean::stem(word);
    !particle.is_empty() && STOP.contains(stem)
}
