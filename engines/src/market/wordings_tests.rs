use insta::assert_snapshot;

use super::*;

pub(super) fn shown(subject: &str) -> String {
    let clause = |c: Clause| {
        let ratio = c.ratio.map_or(String::new(), |r| format!(" ratio {r}"));
        let amount = c.amount.map_or(String::new(), |a| format!(" amount {a}"));
        format!("{:?}{ratio}{amount}{}", c.kind, c.doubt.map_or("", |_| " (doubt)"))
    };
    let clauses = read_subject(subject, Some(Decimal::new(10, 0)));
    clauses.into_iter().map(clause).collect::<Vec<_>>().join("; ")
}

fn table(subjects: &[&str]) -> String {
    subjects.iter().map(|s| format!("{s} | {}", shown(s))).collect::<Vec<_>>().join("\n")
}

#[test]
fn wordings_are_read_and_traps_are_not_fallen_into() {
    let subjects = [
        " Bonus 1:1",
        "Bonus- 3: 2",
        "Bonus 1:2/Dividend- Rs 3 Per Share",
        "Scheme Of Arangement- Bonus - 1 Debenture For 1 Equity Share Held",
        "Bonus Ncrps 4:1",
        "Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share",
        "Face Value Split (Sub-Division) - From Rs10/- Per Share To Rs 2/- Per Share",
        "Fv Splt Frm Rs 10 To Rs 5",
        "Bonus 1:1/Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share",
        "Agm/Spl Div- Rs.5/-",
        "Splecial Dividend - Rs 2 Per Share",
        "Consolidation Of Equity Shares From Re 1 Per Share To Rs 10 Per Share",
        "Capital Reduction Rs 10 To Rs 1 / Consolidation Rs 1 To Rs.10",
        "Rights 1:5 @ Premium Rs 90/-",
        "Right Issue 2:7",
        "Rights 1:4 @ Premium Rs 5/- Partly Paid",
        "Interim Dividend - Rs 3 Per Share/ Special Dividend - Rs 2.50 Per Share",
        "Demerger",
        "Buy Back",
        "Annual General Meeting",
    ];
    assert_snapshot!(table(&subjects), @r"
     Bonus 1:1 | Bonus ratio 2
    Bonus- 3: 2 | Bonus ratio 2.5
    Bonus 1:2/Dividend- Rs 3 Per Share | Bonus ratio 1.5; Dividend amount 3
    Scheme Of Arangement- Bonus - 1 Debenture For 1 Equity Share Held | Other (doubt)
    Bonus Ncrps 4:1 | Other
    Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share | Split ratio 10
    Face Value Split (Sub-Division) - From Rs10/- Per Share To Rs 2/- Per Share | Split ratio 5
    Fv Splt Frm Rs 10 To Rs 5 | Split ratio 2
    Bonus 1:1/Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share | Bonus ratio 2; Split ratio 5
    Agm/Spl Div- Rs.5/- | Dividend amount 5
    Splecial Dividend - Rs 2 Per Share | Dividend amount 2
    Consolidation Of Equity Shares From Re 1 Per Share To Rs 10 Per Share | Consolidation ratio 0.1
    Capital Reduction Rs 10 To Rs 1 / Consolidation Rs 1 To Rs.10 | Other (doubt); Consolidation (doubt)
    Rights 1:5 @ Premium Rs 90/- | Rights ratio 1.2 amount 100
    Right Issue 2:7 | Rights ratio 1.2857142857142858 (doubt)
    Rights 1:4 @ Premium Rs 5/- Partly Paid | Rights (doubt)
    Interim Dividend - Rs 3 Per Share/ Special Dividend - Rs 2.50 Per Share | Dividend amount 5.50
    Demerger | Other (doubt)
    Buy Back | Other
    Annual General Meeting | Other
    ");
}

#[test]
fn what_is_said_of_one_action_does_not_colour_another() {
    let subjects = [
        "Bonus 1:1/Dividend On Preference Shares",
        "Dividend On Preference Shares/Bonus 1:1",
        "Bonus 1:1/Preference Dividend Rs 0.10 Per Share",
        "Dividend - Rs 2 Per Equity Share And Re 0.10 Per Preference Share",
        "Buy Back @ Rs 500/Dividend Rs 2",
        "Dividend - Rs 2 Per Share And Buy Back Of Shares At Rs 500",
        "Bonus 1:1/Rights 1:5 Partly Paid @ Premium Rs 90/-",
        "Bonus Debenture 1:1/Rights 1:5 @ Premium Rs 90/-",
        "Bonus 1:1/Redemption Of Debentures",
        "Bonus 2:1/Demerger",
        "Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share/Rights 1:4 With Warrants",
        "Bonus 1:2 & Face Value Split From Rs 10 To Rs 5 & Dividend Rs 1.50",
        "Interim Div - Rs 6/- Per Share + Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share",
        "Bonus 1:1 (Cancelled)/Dividend Rs 2 Per Share",
        "Composite Scheme Of Amalgamation And Arrangement",
    ];
    assert_snapshot!(table(&subjects), @r"
    Bonus 1:1/Dividend On Preference Shares | Bonus ratio 2
    Dividend On Preference Shares/Bonus 1:1 | Bonus ratio 2
    Bonus 1:1/Preference Dividend Rs 0.10 Per Share | Bonus ratio 2
    Dividend - Rs 2 Per Equity Share And Re 0.10 Per Preference Share | Dividend amount 2
    Buy Back @ Rs 500/Dividend Rs 2 | Dividend amount 2
    Dividend - Rs 2 Per Share And Buy Back Of Shares At Rs 500 | Dividend amount 2
    Bonus 1:1/Rights 1:5 Partly Paid @ Premium Rs 90/- | Bonus ratio 2; Rights (doubt)
    Bonus Debenture 1:1/Rights 1:5 @ Premium Rs 90/- | Rights ratio 1.2 amount 100
    Bonus 1:1/Redemption Of Debentures | Bonus ratio 2
    Bonus 2:1/Demerger | Bonus ratio 3; Other (doubt)
    Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 2/- Per Share/Rights 1:4 With Warrants | Split ratio 5; Rights (doubt)
    Bonus 1:2 & Face Value Split From Rs 10 To Rs 5 & Dividend Rs 1.50 | Bonus ratio 1.5; Split ratio 2; Dividend amount 1.50
    Interim Div - Rs 6/- Per Share + Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share | Split ratio 10; Dividend amount 6
    Bonus 1:1 (Cancelled)/Dividend Rs 2 Per Share | Bonus (doubt); Dividend amount 2
    Composite Scheme Of Amalgamation And Arrangement | Other (doubt)
    ");
}

#[test]
fn numbers_are_read_with_their_thousands_and_whatever_stands_around_them() {
    let subjects = [
        "Face Value Split From Rs 10,000 To Rs 1,000",
        "Consolidation Of Shares From Re 1 To Rs 1,000",
        "Stock  Split From Rs.10/- to Rs.2/-",
        "Sub-Divided From Rs 10 Each Fully Paid Up To Rs 2 Each",
        "Face Value Split (Sub-Division)/From Rs 10/ To Rs 2/ Per Share",
        "Face Value Split/Sub-Division From Rs 10 To Re 1",
        "Reverse Split From Re 1 To Rs 10",
        "Stock Split 1:5",
        "Rights 1:5 @ Premium Rs 1,790/-",
        "Rights 588:1000@ Premium Rs 2/-",
        "Rights 5: 116 At Premium Rs 244/- Per Share",
        "Rights 87:38 @ Premium Of Rs 2.50 Per Share",
        "Rights 7:10 @ Prm Rs 102/-",
        "Rights 1:19.07 @ Premium Rs 0",
        "Rights 1:3 At Par",
        "Rights 1:3 @ Rs 75 Per Share",
        "Right Issue of Equity Shares",
        "Bonus issue 2:5",
        "Bonus Shares In The Ratio Of 1 : 3",
        "Bouns 1:1",
        "Bonus Warrants 1:5",
        "Dividend - Rs. - 1.2500",
        "Dividend - Rs 1,250 Per Share",
        "Dividend - 2.50 Per Share",
        "Int Div- 2 Per Share (Purpose Revised)",
        "Annual General Meeting /Dividend - 1 Rs Per Share",
        "Agm/Spl Div- Rs.5/- Div-7.5/-",
        "Interim Dividend Rs - Rs 1.70 Per Share",
        "Annual General Meeting/Dividend Rs -2 Per Share",
        "Dividend - Rs 35 Per Share & Special Dividend Of Rs 100 Per Share/ Special Dividend Of Rs 30",
        "Dividend - Rs 2. Per Share",
        "Dividend Rs 2 Per Share Of Rs 10 Each",
        "Dividend Rs 5 Per Share (Including Special Dividend Rs 2)",
        "Annual General Meeting/ Divdend - Re 0.50/- Per Share",
        "Annual General Meeting/Divided - Rs 35/- Per Share",
        "Interim Dividned - Rs 135 Per Share",
        "Annual General Meetingdividend - Rs 1.10 Per Share",
        "Annual General Meeting/Dividend - Rs.0125 Per Share",
        "Annual General Meeting/Dividend - Rs  Per Share",
        "Interim Dividend ₹ 2.50 Per Share",
        "Final Dividend - INR 2.50 Per Share",
        "Dividend Of Rupees 2.50 Per Share/Special Dividend Rs. 2",
        "Dividend 25%",
        "Income Distribution (InvIT)",
        "Distribution - Interest Rs 2 Per Unit/Dividend Re 1 Per Unit",
    ];
    assert_snapshot!(table(&subjects), @r"
    Face Value Split From Rs 10,000 To Rs 1,000 | Split ratio 10
    Consolidation Of Shares From Re 1 To Rs 1,000 | Consolidation ratio 0.001
    Stock  Split From Rs.10/- to Rs.2/- | Split ratio 5
    Sub-Divided From Rs 10 Each Fully Paid Up To Rs 2 Each | Split ratio 5
    Face Value Split (Sub-Division)/From Rs 10/ To Rs 2/ Per Share | Split ratio 5
    Face Value Split/Sub-Division From Rs 10 To Re 1 | Split ratio 10
    Reverse Split From Re 1 To Rs 10 | Consolidation ratio 0.1
    Stock Split 1:5 | Split (doubt)
    Rights 1:5 @ Premium Rs 1,790/- | Rights ratio 1.2 amount 1800
    Rights 588:1000@ Premium Rs 2/- | Rights ratio 1.588 amount 12
    Rights 5: 116 At Premium Rs 244/- Per Share | Rights ratio 1.043103448275862 amount 254
    Rights 87:38 @ Premium Of Rs 2.50 Per Share | Rights ratio 3.289473684210526 amount 12.50
    Rights 7:10 @ Prm Rs 102/- | Rights ratio 1.7 amount 112
    Rights 1:19.07 @ Premium Rs 0 | Rights ratio 1.0524383848977452 amount 10
    Rights 1:3 At Par | Rights ratio 1.3333333333333333 amount 10
    Rights 1:3 @ Rs 75 Per Share | Rights ratio 1.3333333333333333 amount 75
    Right Issue of Equity Shares | Rights (doubt)
    Bonus issue 2:5 | Bonus ratio 1.4
    Bonus Shares In The Ratio Of 1 : 3 | Bonus ratio 1.3333333333333333
    Bouns 1:1 | Bonus ratio 2
    Bonus Warrants 1:5 | Other
    Dividend - Rs. - 1.2500 | Dividend amount 1.2500
    Dividend - Rs 1,250 Per Share | Dividend amount 1250
    Dividend - 2.50 Per Share | Dividend amount 2.50
    Int Div- 2 Per Share (Purpose Revised) | Dividend amount 2
    Annual General Meeting /Dividend - 1 Rs Per Share | Dividend amount 1
    Agm/Spl Div- Rs.5/- Div-7.5/- | Dividend amount 12.5
    Interim Dividend Rs - Rs 1.70 Per Share | Dividend amount 1.70
    Annual General Meeting/Dividend Rs -2 Per Share | Dividend amount 2
    Dividend - Rs 35 Per Share & Special Dividend Of Rs 100 Per Share/ Special Dividend Of Rs 30 | Dividend amount 165
    Dividend - Rs 2. Per Share | Dividend amount 2
    Dividend Rs 2 Per Share Of Rs 10 Each | Dividend amount 2
    Dividend Rs 5 Per Share (Including Special Dividend Rs 2) | Dividend amount 5
    Annual General Meeting/ Divdend - Re 0.50/- Per Share | Dividend amount 0.50
    Annual General Meeting/Divided - Rs 35/- Per Share | Dividend amount 35
    Interim Dividned - Rs 135 Per Share | Dividend amount 135
    Annual General Meetingdividend - Rs 1.10 Per Share | Dividend amount 1.10
    Annual General Meeting/Dividend - Rs.0125 Per Share | Dividend (doubt)
    Annual General Meeting/Dividend - Rs  Per Share | Dividend (doubt)
    Interim Dividend ₹ 2.50 Per Share | Dividend amount 2.50
    Final Dividend - INR 2.50 Per Share | Dividend amount 2.50
    Dividend Of Rupees 2.50 Per Share/Special Dividend Rs. 2 | Dividend amount 4.50
    Dividend 25% | Dividend (doubt)
    Income Distribution (InvIT) | Other
    Distribution - Interest Rs 2 Per Unit/Dividend Re 1 Per Unit | Other
    ");
}

#[test]
fn a_bonus_without_a_ratio_is_doubted_and_figures_are_not_mistaken() {
    assert_eq!(shown("Bonus Issue"), "Bonus (doubt)");
    assert_eq!(shown("Bonus 1 For 2"), "Bonus (doubt)");
    assert_eq!(shown("Bonus 1:0"), "Bonus (doubt)");
    assert_eq!(shown("Bonus/Rights 1:5 @ Premium Rs 90/-"), "Bonus (doubt); Rights ratio 1.2 amount 100");
    assert_eq!(shown("Dividend For Years 2019 - Rs 1,250.50 Per Share"), "Dividend amount 1250.50");
    assert_eq!(shown("Interim Dividend Rs 6/- Per Share 9purpose Revised)"), "Dividend amount 6");
}

#[test]
fn amounts_that_are_no_dividend_are_left_out_of_it_or_make_it_doubtful() {
    let subjects = [
        "Dividend Rs 5 Per Equity Share Of Rs 10/-",
        "Dividend 25% On Rs 10 Face Value",
        "Dividend @ 25% On Rs.10/- Paid Up",
        "Dividend @ 25% On Rs.10/- Per Share",
        "Dividend - 25% I.E. Rs 2.50 Per Share Of Rs 10",
        "Total Dividend Rs 5 Per Share (Final Rs 3 And Special Rs 2)",
        "Dividend Rs 5 Per Share (Final Rs 3 And Special Rs 2)",
        "Final Dividend Rs 3 Per Share/Special Dividend Rs 2 Per Share/Total Dividend Rs 5 Per Share",
        "Dividend Rs 2 Per Share (Revised From Rs 3 Per Share)",
        "Dividend Rs 3 Per Share/Revised Dividend Rs 2 Per Share",
        "Dividend - Rs 2 Per Share (Total Rs 10 Crore)",
        "Interim Dividend Rs 2 And 50 Paise",
        "Interim Dividend Rs.2/50 Per Share",
        "Interim Dividend Rs 1,5 Per Share",
        "Interim Dividend Of Rs 3 Per Share Not Declared",
        "Interim Dividend Rs 2 Per Share (Cancelled)",
        "Dividend Per Share Of Rs 2",
        "Dividend - Rs 2 Per Share (20%)",
    ];
    assert_snapshot!(table(&subjects), @r"
    Dividend Rs 5 Per Equity Share Of Rs 10/- | Dividend amount 5
    Dividend 25% On Rs 10 Face Value | Dividend (doubt)
    Dividend @ 25% On Rs.10/- Paid Up | Dividend (doubt)
    Dividend @ 25% On Rs.10/- Per Share | Dividend (doubt)
    Dividend - 25% I.E. Rs 2.50 Per Share Of Rs 10 | Dividend amount 2.50
    Total Dividend Rs 5 Per Share (Final Rs 3 And Special Rs 2) | Dividend (doubt)
    Dividend Rs 5 Per Share (Final Rs 3 And Special Rs 2) | Dividend (doubt)
    Final Dividend Rs 3 Per Share/Special Dividend Rs 2 Per Share/Total Dividend Rs 5 Per Share | Dividend (doubt)
    Dividend Rs 2 Per Share (Revised From Rs 3 Per Share) | Dividend amount 2
    Dividend Rs 3 Per Share/Revised Dividend Rs 2 Per Share | Dividend (doubt)
    Dividend - Rs 2 Per Share (Total Rs 10 Crore) | Dividend amount 2
    Interim Dividend Rs 2 And 50 Paise | Dividend (doubt)
    Interim Dividend Rs.2/50 Per Share | Dividend (doubt)
    Interim Dividend Rs 1,5 Per Share | Dividend (doubt)
    Interim Dividend Of Rs 3 Per Share Not Declared | Dividend (doubt)
    Interim Dividend Rs 2 Per Share (Cancelled) | Dividend (doubt)
    Dividend Per Share Of Rs 2 | Dividend (doubt)
    Dividend - Rs 2 Per Share (20%) | Dividend amount 2
    ");
}

#[test]
fn counts_of_shares_are_no_face_values_and_revised_ratios_are_doubted() {
    let subjects = [
        "Sub-Division Of 1 Equity Share Of Rs 10 Each Into 5 Equity Shares Of Rs 2 Each",
        "Sub-Division From 1 (One) Equity Share Of Rs 10 Each To 5 (Five) Equity Shares Of Rs 2 Each",
        "Sub-Division Of Every One (1) Equity Share Of Rs 10/- Each Into Five (5) Fully Paid-Up Equity Shares Of Rs 2/- Each",
        "Sub-Division Of Equity Shares Of Rs 10 Each Into 5 Equity Shares Of Rs 2 Each",
        "Sub-Division Of 1 Equity Share Of Rs 10 Each Into 10 Equity Shares Of Rs 2 Each",
        "Stock Split From 1 Share To 5 Shares",
        "Face Value Split From Rs 10 To Rs 2 Per Share",
        "Consolidation Of 5 Equity Shares Of Rs 2 Each Into 1 Equity Share Of Rs 10 Each",
        "Consolidation Of Shares From Rs 10 To Re 1",
        "Bonus 2:1 Revised To 1:1",
        "Bonus 2:1/Revised To Bonus 1:1",
        "Bonus 2:1/Rights 1:5 @ Premium Rs 90/- (Revised)",
        "Face Value Split From Rs 10 To Rs 2 (Revised From Rs 10 To Rs 5)",
    ];
    assert_snapshot!(table(&subjects), @r"
    Sub-Division Of 1 Equity Share Of Rs 10 Each Into 5 Equity Shares Of Rs 2 Each | Split ratio 5
    Sub-Division From 1 (One) Equity Share Of Rs 10 Each To 5 (Five) Equity Shares Of Rs 2 Each | Split ratio 5
    Sub-Division Of Every One (1) Equity Share Of Rs 10/- Each Into Five (5) Fully Paid-Up Equity Shares Of Rs 2/- Each | Split ratio 5
    Sub-Division Of Equity Shares Of Rs 10 Each Into 5 Equity Shares Of Rs 2 Each | Split ratio 5
    Sub-Division Of 1 Equity Share Of Rs 10 Each Into 10 Equity Shares Of Rs 2 Each | Split (doubt)
    Stock Split From 1 Share To 5 Shares | Split ratio 5
    Face Value Split From Rs 10 To Rs 2 Per Share | Split ratio 5
    Consolidation Of 5 Equity Shares Of Rs 2 Each Into 1 Equity Share Of Rs 10 Each | Consolidation ratio 0.2
    Consolidation Of Shares From Rs 10 To Re 1 | Consolidation (doubt)
    Bonus 2:1 Revised To 1:1 | Bonus (doubt)
    Bonus 2:1/Revised To Bonus 1:1 | Bonus (doubt)
    Bonus 2:1/Rights 1:5 @ Premium Rs 90/- (Revised) | Bonus ratio 3; Rights ratio 1.2 amount 100
    Face Value Split From Rs 10 To Rs 2 (Revised From Rs 10 To Rs 5) | Split (doubt)
    ");
}

proptest::proptest! {
    #[test]
    fn no_subject_makes_it_panic(
        text in "(Bonus|Rights|Split|Dividend|Rs|From|To|and| |/|/-|:|,|[0-9]{1,30}|[^ ]){0,12}"
    ) {
        let _ = read_subject(&text, None);
    }

    #[test]
    fn a_bonus_and_a_split_are_read_beside_anything(
        new in 1_u32..20, held in 1_u32..20, fv in 0_usize..3,
        beside in proptest::sample::select(vec![
            "", "/Dividend Rs 2 Per Share", "/Dividend On Preference Shares", "/Buy Back", "/Annual General Meeting",
            " And Special Dividend - Rs 1,000 Per Share", " (Revised)", "/Demerger", " + Interim Dividend Re 1/- Per Sh",
        ]),
    ) {
        let (old, to) = [("10", "2"), ("1,000", "10"), ("5/-", "1/-")][fv];
        let subject = format!("Bonus {new}:{held}/Face Value Split From Rs {old} Per Share To Rs {to} Per Share{beside}");
        let clauses = read_subject(&subject, None);
        let of = |kind: Kind| clauses.iter().find(|c| c.kind == kind).and_then(|c| c.ratio);
        proptest::prop_assert_eq!(of(Kind::Bonus), Some(f64::from(new + held) / f64::from(held)));
        proptest::prop_assert_eq!(of(Kind::Split), Some([5.0, 100.0, 5.0][fv]));
    }
}

#[test]
fn what_stands_beside_a_dividend_leaves_it_clear() {
    let amount = |subject: &str| {
        let clauses = read_subject(subject, None);
        clauses.iter().find_map(|clause| clause.amount).map(|amount| amount.to_string()).unwrap_or_default()
    };
    for (subject, expected) in [
        ("Final Dividend 25% - Rs.2.50", "2.50"),
        ("Dividend Rs.1.50/- (15%)", "1.50"),
        ("Interim Dividend - Rs.2.50 2023-24", "2.50"),
        ("Annual General Meeting/Dividend Rs 2 Per Share (Book Closure Cancelled)", "2"),
        ("Dividend 25% - Rs 10", ""),
        ("Dividend Rs 2 Per Share (Cancelled)", ""),
    ] {
        assert_eq!(amount(subject), expected, "{subject}");
    }
    let split = "Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share (Record Date Revised From 10 Sep To 15 Sep)";
    assert_eq!(read_subject(split, None)[0].ratio, Some(10.0));
}
