//! What the attached files say.

pub(super) const DRAWING_NOTE: &str = "Drawing 118-02, revision C\nHarbor crane, boom assembly\n\nChange \
    list\n1. Weld detail at frame 88: full penetration (was fillet).\n2. Plate thickness 18 mm (was 16 \
    mm).\n3. Lifting lug moved 120 mm forward.\n\nChecked by: B. Baker\nApproved by: pending (A. Anderson)";

pub(super) const ORDER: &str = "PURCHASE ORDER 4500012877\nSupplier: Fabrikam Valves\nDelivery: Busan, gate \
    4, week 12\n\nPos  Article        Qty  Unit price EUR\n10   BV-200 valve    24         1,340.00\n20   \
    Actuator A7     24           410.00\n\nTotal: EUR 42,000.00 (net)\nPayment: 30 days";

pub(super) const CERTIFICATE: &str = "CERTIFICATE OF ORIGIN No. 2026/0417\nGoods: 24 ballast valves BV-200\n\
    Country of origin: Italy\nIssued by the Chamber of Commerce, Genoa";

pub(super) const QUOTE: &str = "#Quote\nArticle|Quantity|Unit price|Valid until\nBV-200 \
    valve|24|1340|2026-03-31\nActuator A7|24|410|2026-03-31\nTotal||42000|\n#Freight\nLeg|Date|EUR\nGenoa \
    to Rotterdam|2026-03-02|900\nRotterdam to Busan|2026-03-09|2450";

pub(super) const QUOTE_KO: &str = "#견적\n품목|수량|단가|유효 기간\n밸러스트 밸브 BV-200|24|1980000|2026-03-31\n액추에이터 \
    A7|24|605000|2026-03-31\n합계||62040000|\n#운임\n구간|날짜|금액\n제노바-로테르담|2026-03-02|1330000\n\
    로테르담-부산|2026-03-09|3620000\n#비고\n내용\n부가세 별도";

pub(super) const BUDGET: &str = "#Plan\nCost centre|Owner|Plan|Second round\n4100|Alice \
    Anderson|310000|324000\n4200|Bob Baker|880000|862400\n4300|김민지|210000|210000\n#Calendar\nStep|Date\n\
    First round|2026-01-20\nSecond round|2026-02-20\n#Notes\nRemark\nAnything above plan needs one sentence";

pub(super) const SURVEY: &str = "Survey report MV Sea Heron\nPlace: Rotterdam. Surveyor: Henrik Lund.\n\
    No|Finding|Class\n1|Corrosion at manhole cover 3|Note\n2|Crack in bracket, frame 88 port side|Condition \
    of class, 90 days\n3|Fire damper label missing|Note\nFinding 2 must be repaired with an approved \
    procedure.";

pub(super) const NDA: &str = "Non-disclosure agreement\nbetween Contoso and Lakeshore Law\n1. Purpose: \
    evaluation of a survey drone pilot.\n4.2 Liability is limited to direct damage.\n7.1 The agreement ends \
    after two years.\nSigned: ____________________";

pub(super) const CONTRACT_KO: &str = "부산항 크레인 공급 계약서\n발주자: 콘토소 / 공급자: 한빛마린\n조항|내용\n제1조|공급자는 크레인 1기를 2026년 \
    6월까지 납품한다.\n제4조 2항|책임은 직접 손해에 한한다.\n제7조|계약 기간은 2년으로 한다.\n위 계약서를 두 부 작성하여 각각 보관한다.";

pub(super) const DECK: &str = "Steering committee\nHarbor crane project\nFebruary 2026\n---\nStatus\n\
    Design: revision C in review\nProcurement: valves ordered\nSurvey: one condition of class\n---\nHours\n\
    412 hours spent\n88 hours left";

pub(super) const DECK_KO: &str = "3월 영업 회의\n영업본부\n---\n실적\n2월 실적 4,120만 원\n전월 대비 7% 증가\n---\n계획\n한빛마린 드론 시범 \
    사업\n부산항 크레인 계약 체결";

pub(super) const ITINERARY: &str = "<html><body><h1>Itinerary</h1><table><tr><th>Flight</th><th>From</th>\
    <th>To</th><th>Departs</th></tr><tr><td>BF 118</td><td>Frankfurt</td><td>Incheon</td><td>3 March \
    13:05</td></tr><tr><td>BF 902</td><td>Incheon</td><td>Gimhae</td><td>4 March \
    10:40</td></tr></table><script>track()</script></body></html>";

pub(super) const REPORT_KO: &str = "<html><body><h1>부산 출장 보고서</h1><p>기간: 3일</p><ul><li>한빛마린과 크레인 계약 조건을 \
    협의함</li><li>7번 선석의 작업 여건을 확인함</li></ul></body></html>";

pub(super) const ITEMS: &str =
    "position,article,quantity,remark\r\n10,BV-200 valve,24,\"with flange, DN200\"\r\n20,Actuator A7,24,\r\n";

pub(super) const ITEMS_KO: &str =
    "순번,품목,수량,비고\r\n10,밸러스트 밸브 BV-200,24,플랜지 포함\r\n20,액추에이터 A7,24,없음\r\n";

pub(super) const COMMENTS: &str = "no,drawing,comment,due\r\n1,118-02,Weld detail at frame 88 \
    missing,2026-02-28\r\n2,118-02,State the steel grade,2026-02-28\r\n";
