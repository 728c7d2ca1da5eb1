using Lorq.Calibration;

namespace Lorq.Checks;

/// <summary>Finds the input whose zeros mark padding.</summary>
public static class MaskInput
{
    /// <summary>
    /// The input named <c>attention_mask</c> (with any prefix, such as <c>encoder_attention_mask</c>), or <c>input_mask</c>,
    /// of rank 2; null when there is none or more than one.
    /// </summary>
    public static string? Find(IReadOnlyList<TensorSignature> inputs)
    {
        string[] names = [.. inputs.Where(i => i.Shape.Length == 2 && IsMask(i.Name)).Select(i => i.Name)];
        return names.Length == 1 ? names[0] : null;
    }

    private static bool IsMask(string name) =>
        name.EndsWith("attention_mask", StringComparison.OrdinalIgnoreCase)
        || name.Equals("input_mask", StringComparison.OrdinalIgnoreCase);
}
