namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>No choice fits the budget.</summary>
    public static readonly Diagnostic BudgetTooSmall = new(
        "LORQ0650",
        "The budget cannot be met",
        "A file of at most {0} bytes cannot be reached; the smallest with this menu and target is {1} bytes.",
        "Weights that are left alone, and the smallest encodings that the menu offers, already take more than the budget.",
        "Raise --budget to that size, allow fewer bits or larger blocks (--bits, --blocks), or remove exclusions; 'lorq inspect' shows what is left alone and why."
    );

    /// <summary>Nothing to compress.</summary>
    public static readonly Diagnostic NoSites = new(
        "LORQ0651",
        "Nothing to compress",
        "'{0}' has no weight that can be compressed.",
        "Every constant tensor of the model is excluded, too small, or read by operators that are not supported.",
        "Run 'lorq inspect' to see the reason for each weight."
    );
}
