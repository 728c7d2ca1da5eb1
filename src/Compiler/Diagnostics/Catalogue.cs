namespace Lorq.Diagnostics;

/// <summary>
/// Every <c>LORQ####</c> there is, one partial file per stage in the order data flows
/// (01xx models, 02xx specs, 03xx sites, 04xx calibration, 05xx quantization, 06xx menu and budget,
/// 07xx rewriting, 08xx checks, 09xx command line, files and builds, 10xx the source generator). Each has a page in <c>docs/errors</c>.
/// </summary>
public static partial class Catalogue
{
    /// <summary>All entries, ordered by id. Read on demand: the order in which the parts of this class are initialised is not defined.</summary>
    public static IReadOnlyList<Diagnostic> All =>
        [
            .. typeof(Catalogue)
                .GetFields()
                .Where(f => f.FieldType == typeof(Diagnostic))
                .Select(f => (Diagnostic)f.GetValue(null)!)
                .OrderBy(d => d.Id, StringComparer.Ordinal),
        ];
}
