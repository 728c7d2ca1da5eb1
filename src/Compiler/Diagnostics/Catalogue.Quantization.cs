namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>libtorch cannot be loaded.</summary>
    public static readonly Diagnostic TorchUnavailable = new(
        "LORQ0501",
        "libtorch cannot be loaded",
        "The linear-algebra library libtorch cannot be loaded: {0}",
        "The native libraries beside the lorq executable are missing, or the system's C++ runtime is too old or too new for them.",
        "Build or install lorq again for this operating system (64-bit x86 Linux or Windows, or Arm macOS), with the native libraries beside it."
    );

    /// <summary>A weight holds NaN or infinity.</summary>
    public static readonly Diagnostic WeightNotFinite = new(
        "LORQ0502",
        "A weight is not finite",
        "A {0}×{1} weight holds {2} at row {3}, column {4}.",
        "The model was saved after training diverged, or its file is damaged; such a weight has no nearest code.",
        "Export the model again from a sound checkpoint, or leave this weight out of compression."
    );
}
