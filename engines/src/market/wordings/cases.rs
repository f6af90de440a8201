//! What else stands in subjects, and what is said of it: misreadings that were found, and what must stay read beside them.

use super::tests::shown;

fn check(cases: &[(&str, &str)]) {
    let mut wrong: Vec<String> = Vec::new();
    for &(subject, expected) in cases {
        let read = shown(subject);
        if read != expected {
            wrong.push(format!("{subject} | {read}, and not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_face_value_beside_a_dividend_is_none_of_it() {
    check(&[
        ("Dividend Rs 2 Face Value Rs 10", "Dividend amount 2"),
        ("Dividend Rs 2/Face Value Rs 10", "Dividend amount 2"),
        ("Dividend Rs 2, Fv Rs 10", "Dividend amount 2"),
        ("Dividend Rs.2/- Paid Up Value Rs.10/-", "Dividend amount 2"),
        ("Dividend Rs 12 Face Value Rs 10", "Dividend amount 12"),
        ("Dividend Rs 2 On Rs 10 Face Value", "Dividend amount 2"),
        ("Dividend On Rs 10 Face Value Rs 2.50 Per Share", "Dividend amount 2.50"),
        ("Dividend Rs 10 Fv Rs 2.50", "Dividend (doubt)"),
        ("Dividend Rs 2 Per Share Fv Of Each Share Rs 10", "Dividend (doubt)"),
        ("Dividend Rs.5/- Per Rs.10/- Share", "Dividend amount 5"),
        ("Dividend Rs.7/- Per Equity Share Of Face Value Rs.10/- Each", "Dividend amount 7"),
        ("Dividend Of Rs 2 (20%) Per Share Of Face Value Of Rs.10", "Dividend amount 2"),
        ("Dividend 500% (Rs 5)", "Dividend amount 5"),
        ("Dividend Rs 5 (50%)", "Dividend amount 5"),
        ("Dividend 25% (Rs 10)", "Dividend (doubt)"),
        ("Dividend 200% On Rs 10", "Dividend (doubt)"),
        ("Dividend (200%) On Rs 10", "Dividend (doubt)"),
        ("Dividend Rs 5 Per Share Subject To Tds @ 10%", "Dividend amount 5"),
    ]);
}

#[test]
fn amounts_are_added_up_only_where_words_of_dividends_join_them() {
    check(&[
        ("Interim Dividend - Rs 6 Per Share Special Interim Dividend - Rs 10 Per Share", "Dividend amount 16"),
        ("Interim Dividend Rs 3 (Purpose Revised)/Special Dividend Rs 2 Per Share (Date Revised)", "Dividend amount 5"),
        (
            "Final Dividend Of Rs 3 Per Equity Share For Fy 2023-24 And Special Dividend Of Rs 2 Per Equity Share",
            "Dividend amount 5",
        ),
        ("Final Dividend Rs 3 For The Year Ended 31st March 2024 And Special Dividend Rs 2", "Dividend amount 5"),
        ("Dividend Rs 3 Per Share Plus Silver Jubilee Dividend Rs 2", "Dividend amount 5"),
        ("Second Interim Dividend Rs 3 & 3rd Interim Dividend Rs 2", "Dividend amount 5"),
        ("Rs 3 Interim Dividend And Rs 2 Special Dividend", "Dividend amount 5"),
        ("Dividend Rs 3 (Final) And Rs 2 (Special)", "Dividend amount 5"),
        ("INTDIV-RS.3+SPL DIV-RS.2", "Dividend amount 5"),
        ("AGM/FIN DIV-RS.2+SP DIV-RE.1", "Dividend amount 3"),
        ("AGM/DIV-RS.2 + SPL-RS.1", "Dividend amount 3"),
        (
            "Interim Dividend - Rs 5 Per Share And Special Dividend On The Occasion Of Golden Jubilee - Rs 2 Per Share",
            "Dividend amount 7",
        ),
        ("Dividend Rs 5 Inclusive Of Special Dividend Rs 2", "Dividend amount 5"),
        ("Dividend Rs 5 Per Share Incl. Special Dividend Rs 2", "Dividend amount 5"),
        ("Interim Dividend Rs 3/Final Dividend Rs 5 Inclusive Of Interim Dividend Rs 3", "Dividend (doubt)"),
        ("Dividend Rs 5 Comprising Rs 3 And Rs 2", "Dividend (doubt)"),
        ("Dividend Rs 3 + Rs 2 = Rs 5", "Dividend (doubt)"),
        ("Final Rs 3 And Special Rs 2 And Dividend Rs 5", "Dividend (doubt)"),
        ("Dividend Rs 5 (Special Rs 2)", "Dividend (doubt)"),
        ("Dividend Rs 5 Against Rs 4", "Dividend (doubt)"),
        ("Dividend Rs 5 Not Rs 4", "Dividend (doubt)"),
        ("Dividend Rs 5 Vs Rs 4", "Dividend (doubt)"),
        ("Dividend Rs 5 (Prev Rs 4)", "Dividend (doubt)"),
        ("Dividend Rs 5 Amended To Rs 4", "Dividend (doubt)"),
        ("Dividend Rs 5/Amended Dividend Rs 4", "Dividend (doubt)"),
        ("Dividend Rs 5/Corrected Dividend Rs 4", "Dividend (doubt)"),
        ("Dividend Rs 5 Over And Above Interim Dividend Rs 4", "Dividend (doubt)"),
        ("Final Dividend Rs 5 And Interim Dividend Rs 4 Already Paid", "Dividend (doubt)"),
        ("Dividend Rs 5 Less Tds Rs 0.50", "Dividend (doubt)"),
        ("Dividend Gross Rs 5 Net Rs 4.50", "Dividend (doubt)"),
        ("Dividend Rs 5 After Tax Rs 4.50", "Dividend (doubt)"),
        ("Dividend Rs 5 Or Rs 6", "Dividend (doubt)"),
        ("Dividend Rs 5-6 Per Share", "Dividend (doubt)"),
        ("Int Div Rs 3/Special 2 Per Share", "Dividend (doubt)"),
    ]);
}

#[test]
fn what_is_paid_on_something_else_is_no_dividend_of_a_share() {
    check(&[
        ("Dividend Rs 3 Per Ordinary Share And Rs 3.10 Per 'A' Ordinary Share", "Dividend amount 3"),
        ("Dividend Rs 3 Per Share And Rs 3.10 Per Dvr Share", "Dividend amount 3"),
        ("Dividend Rs 3 Per Share And Rs 1 Per Partly Paid Share", "Dividend amount 3"),
        ("Dividend Rs 3 Per Dvr Share", "Dividend (doubt)"),
        ("Dividend - Rs 2 Per Fully Paid Up Equity Share", "Dividend amount 2"),
        ("Pref Div Rs 8", "Other"),
        ("Div On Pref Shares Rs 8", "Other"),
        ("Preferance Dividend Rs 8 Per Share", "Other"),
        ("Prefrence Dividend Rs 8", "Other"),
        ("Interim Dividend On Equity Shares Rs 2 Pref Shares Rs 8", "Dividend (doubt)"),
        ("Dividend Rs 5 Per 10 Shares", "Dividend (doubt)"),
        ("Dividend Rs 5 Per 100 Equity Shares", "Dividend (doubt)"),
        ("Dividend Rs 5 Per Adr", "Dividend (doubt)"),
        ("Dividend Rs 5 Per Gdr", "Dividend (doubt)"),
        ("Open Offer At Rs 200 And Dividend Rs 2", "Dividend amount 2"),
        ("Exit Offer At Rs 200 And Dividend Rs 2", "Dividend amount 2"),
        ("Offer Price Rs 200 And Dividend Rs 2", "Dividend amount 2"),
        ("Ofs At Rs 200/Dividend Rs 2", "Dividend amount 2"),
        ("Preferential Issue At Rs 200/Dividend Rs 2", "Dividend amount 2"),
        ("Esop At Rs 200/Dividend Rs 2", "Dividend amount 2"),
        ("Dividend Rs 2/Warrants At Rs 200", "Dividend amount 2"),
        ("Dividend Rs 2 Open Offer At Rs 200", "Dividend amount 2"),
        ("Open Offer At Rs 200 Dividend Rs 2", "Dividend (doubt)"),
        ("Takeover At Rs 200 And Dividend Rs 2", "Dividend (doubt)"),
        ("Rs 2 Dividend", "Dividend amount 2"),
        ("Return Of Capital Rs 5 And Dividend Rs 2", "Dividend amount 2"),
        ("Return Of Capital Rs 5 Per Share And Dividend Rs 2 Per Share", "Other (doubt); Dividend amount 2"),
        ("Capital Repayment Rs 5 And Dividend Rs 2", "Dividend amount 2"),
        ("First Call Rs 5 And Dividend Rs 2", "Dividend amount 2"),
        ("Distribution (Interest Rs 1/Dividend - Rs 2.25/Other Income Rs 0.10 Per Unit)", "Other"),
        ("Invit - Interest Rs 1/Dividend Rs 2.25", "Other"),
        ("Income Distribution - Interest Rs 1/Dividend Rs 2.25/Sale Proceeds Rs 0.10", "Other"),
        ("Dividend Rs 2/Distribution Of Gifts", "Dividend amount 2"),
        ("Unpaid Dividend Rs 2 Transfer To Iepf", "Other"),
    ]);
}

#[test]
fn ratios_that_were_changed_or_are_of_another_day_or_thing_are_not_applied() {
    check(&[
        ("Bonus 2:1 Changed To 1:1", "Bonus (doubt)"),
        ("Bonus 2:1 Corrected To 1:1", "Bonus (doubt)"),
        ("Bonus 2:1 Now 1:1", "Bonus (doubt)"),
        ("Bonus 1:1 Not 2:1", "Bonus (doubt)"),
        ("Bonus 2:1/Bonus 1:1", "Bonus (doubt)"),
        ("Bonus 1:1 (1:1)", "Bonus ratio 2"),
        ("Bonus 1:1 Rights 1:5 @ Premium Rs 90", "Bonus ratio 2; Rights ratio 1.2 amount 100"),
        ("Bonus 1:1 (Differential Voting Rights)", "Other"),
        ("Bonus 1:5 - Shares With Differential Voting Rights", "Other"),
        ("Bonus 1:1 & Voting Rights", "Bonus ratio 2"),
        ("Dividend Rs 2 Per Share Entitled To Bonus 1:1", "Other (doubt); Dividend amount 2"),
        ("Dividend Rs 2 (Post 1:1 Bonus)", "Other (doubt); Dividend amount 2"),
        ("Dividend Rs 2 After Bonus 1:1", "Other (doubt); Dividend amount 2"),
        ("Dividend Rs 2 (Adjusted For Bonus 1:1)", "Other (doubt); Dividend amount 2"),
        ("Dividend Rs 2 (Bonus 1:1 Already Issued)", "Other (doubt); Dividend amount 2"),
        ("Post Bonus Dividend Rs 2", "Dividend amount 2"),
        ("Bonus 1:1 After Split From Rs 10 To Rs 2", "Bonus ratio 2; Split (doubt)"),
        ("Bonus Book Closure 10:12", "Bonus (doubt)"),
        ("Bonus In The Ratio 1:1 Record Date 10 Sep", "Bonus ratio 2"),
        ("Consolidated Accounts From Rs 1 Cr To Rs 2 Cr", "Other"),
        ("Face Value Split From Rs 10 To Rs 5 And Rs 5 To Re 1", "Split (doubt)"),
        ("Face Value Split From Rs 10 To Rs 5 Changed To Rs 2", "Split (doubt)"),
        ("Face Value Split From Rupees 10 To Rupees 2", "Split ratio 5"),
        ("Rights 1:4 @ Premium 200%", "Rights ratio 1.25 (doubt)"),
        ("Rights 1:4 @ Premium Rs 20 Revised To Rs 25", "Rights ratio 1.25 (doubt)"),
        ("Rights 1:4 @ Premium Rs 20 - Rs 25", "Rights ratio 1.25 (doubt)"),
        ("Rights 1:4 @ Premium Rs 20/Rights 1:5 @ Premium Rs 25", "Rights amount 30 (doubt); Rights amount 35 (doubt)"),
        ("Rights 1:4 @ Premium Rs 20/Rights 1:4 @ Premium Rs 25", "Rights amount 30 (doubt); Rights amount 35 (doubt)"),
        ("Rights 1:4 @ Rs 30 (Including Premium Of Rs 20)", "Rights ratio 1.25 amount 30"),
        ("Rights 1:4 @ Premium Rs 20 Per Share Of Face Value Rs 10", "Rights ratio 1.25 amount 30"),
    ]);
}

#[test]
fn abbreviations_and_slips_are_read_and_what_is_not_read_is_told() {
    check(&[
        ("Bon 2:5", "Bonus ratio 1.4"),
        ("BON 1:1", "Bonus ratio 2"),
        ("AGM/DIV-RS.2/BON 1:2", "Bonus ratio 1.5; Dividend amount 2"),
        ("Bns 1:1", "Bonus ratio 2"),
        ("Bonous 1:1", "Bonus ratio 2"),
        ("Bonas 1:1", "Bonus ratio 2"),
        ("Bous 1:1", "Bonus ratio 2"),
        ("RGHTS 1:4 @ PREM RS 20", "Rights ratio 1.25 amount 30"),
        ("RGTS 1:4 @ PREM RS 20", "Rights ratio 1.25 amount 30"),
        ("RTS 1:4 @ PREM RS 20", "Rights ratio 1.25 amount 30"),
        ("RHT 1:4 @ PREM RS 20", "Rights ratio 1.25 amount 30"),
        ("Righst 1:4 @ Prem Rs 20", "Rights ratio 1.25 amount 30"),
        ("Rigts 1:4 @ Prem Rs 20", "Rights ratio 1.25 amount 30"),
        ("Sub-Divison From Rs 10 To Rs 2", "Split ratio 5"),
        ("Sub-Div. Rs 10 To Rs 2 / Div Rs 2", "Split ratio 5; Dividend amount 2"),
        ("Subdiv Rs 10 To Rs 2", "Split ratio 5"),
        ("FVSPT FRM RS 10 TO RS 2", "Split ratio 5"),
        ("FV CON RE 1 TO RS 10", "Consolidation ratio 0.1"),
        ("FV CONS RE 1 TO RS 10", "Consolidation ratio 0.1"),
        ("Consoldation From Re 1 To Rs 10", "Consolidation ratio 0.1"),
        ("Change In Face Value From Rs 10 To Rs 2", "Split ratio 5"),
        ("Decrease In Face Value From Rs 10 To Rs 2", "Split ratio 5"),
        ("Alteration Of Face Value From Rs 10 To Rs 2", "Split ratio 5"),
        ("Fv Rs 10 To Rs 2", "Split ratio 5"),
        ("Divident Rs 3", "Dividend amount 3"),
        ("Dvidend Rs 3 Per Share", "Dividend amount 3"),
        ("Divideng Rs 3", "Dividend amount 3"),
        ("I.D. Rs 3", "Dividend amount 3"),
        ("Allotment 1:4", "Other (doubt)"),
        ("Agm/Bn 1:2", "Other (doubt)"),
        ("Agm 10:30 Am", "Other"),
        ("Dividend Rs 2.50/Bn 1:2", "Other (doubt); Dividend (doubt)"),
        ("Bon 1:1/Fvs Rs 10 To Rs 5", "Bonus ratio 2; Other (doubt)"),
        ("Reduction Of Face Value From Rs 10 To Rs 2", "Consolidation (doubt)"),
        ("Interim Rs 3 Per Share", "Other (doubt)"),
        ("Capital Return Rs 5 Per Share", "Other (doubt)"),
        ("Buy Back At Rs 500 Per Share", "Other"),
        ("Interest Rs 2 Per Share", "Other"),
        ("Annual General Meeting/ Change In Registrar And Transfer Agent", "Other"),
        ("BON DEB 1:1", "Other"),
        ("Bonus 1:1 To Eligible Shareholders", "Bonus ratio 2"),
        ("Entitlement Of Bonus 1:1", "Other (doubt)"),
        ("Bn 1:2/Dividend On Preference Shares", "Other (doubt)"),
        ("Agm At 10:30", "Other"),
    ]);
}
