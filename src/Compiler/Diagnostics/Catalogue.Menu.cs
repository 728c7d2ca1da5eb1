namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>No choice fits the budget.</summary>
    public static readonly Diagnostic BudgetTooSmall = new(
        "LORQ0650",
        "The budget cannot be met",
        "A file of at most {0} cannot be reached; the smallest with this menu and target has {1}.",
        "Weights that are left alone, and the smallest encodings that the menu offers, already take more than the budget.",
        "Raise --budget (to that size, or above it where it is only known that no file is smaller), allow fewer bits or larger blocks (--bits, --blocks), lower floors (minBits), or remove exclusions; 'lorq inspect' shows what is left alone and why."
    );

    /// <summary>Nothing to compress.</summary>
    public static readonly Diagnostic NoSites = new(
        "LORQ0651",
        "Nothing to compress",
        "'{0}' has no weight that can be compressed.",
        "Every constant tensor of the model is excluded, too small, or read by operators that are not supported.",
        "Run 'lorq inspect' to see the reason for each weight."
    );

    /// <summary>No plan keeps the loss limit.</summary>
    public static readonly Diagnostic LossLimitNotMet = new(
        "LORQ0652",
        "The loss limit cannot be kept",
        "No file{1} keeps --max-loss {0}: the least loss that was reached is {2}, with {3} bytes.",
        "The loss is measured on held-out samples: plans of growing size were written and run beside the original. Neither the menu nor the budget allowed one that loses less.",
        "Raise --max-loss to what was reached or above, raise --budget or leave it out, allow more bits (--bits 8) or lift minBits and maxBits, or give more calibration data."
    );

    /// <summary>A loss limit without data.</summary>
    public static readonly Diagnostic LossLimitNeedsData = new(
        "LORQ0653",
        "A loss limit needs calibration data",
        "--max-loss is given for '{0}', but no calibration data to measure a loss on.",
        "The smallest file that keeps a loss limit can only be found by running the model on samples.",
        "Add --calibration data.npz, or give a size with --budget."
    );

    /// <summary>Floor and ceiling leave nothing.</summary>
    public static readonly Diagnostic NothingBetweenBits = new(
        "LORQ0654",
        "No encoding has the bits that are asked for",
        "No encoding of '{0}' stores between {1} and {2} bits per weight; the menu has {3} to {4}.",
        "minBits and maxBits of an override count everything that is stored: codes, scales, zero points, nodes.",
        "Widen the range in the override, or allow more encodings (bits, blocks, ranks)."
    );

    /// <summary>Verification without data.</summary>
    public static readonly Diagnostic VerifyNeedsData = new(
        "LORQ0655",
        "Verifying a sweep needs calibration data",
        "--verify is given for '{0}', but no calibration data to measure on.",
        "Points of a sweep are measured by running the model on samples.",
        "Add --calibration data.npz, or leave --verify out."
    );
}
