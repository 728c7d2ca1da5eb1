using Lorq.Generators.Manifests;

namespace Lorq.Generators.Naming;

/// <summary>
/// The key–value caches of a decoder: inputs that continue an output of the step before. Exporters name them alike: <c>past_key_values.0.key</c> and
/// <c>present.0.key</c>, <c>past_0</c> and <c>present_0</c>.
/// </summary>
internal static class CachePairs
{
    /// <summary>The output that each cache input continues, by the input's name; empty where the model is no such decoder.</summary>
    public static IReadOnlyDictionary<string, string> Of(Signature signature)
    {
        Dictionary<string, Tensor> outputs = signature.Outputs.ToDictionary(o => o.Name, StringComparer.Ordinal);
        return signature
            .Inputs.Where(i => ElementTypes.Of(i.ElementType) is not null && i.ElementType != "string" && i.Dims.Count > 0)
            .Select(i =>
                (Input: i, Output: Presents(i.Name).Where(outputs.ContainsKey).Select(n => outputs[n]).FirstOrDefault(o => Fits(i, o)))
            )
            .Where(p => p.Output is not null)
            .ToDictionary(p => p.Input.Name, p => p.Output.Name, StringComparer.Ordinal);
    }

    private static IEnumerable<string> Presents(string past) =>
        past.Contains("past") ? [past.Replace("past_key_values", "present"), past.Replace("past", "present")] : [];

    private static bool Fits(Tensor past, Tensor present) =>
        past.ElementType == present.ElementType
        && past.Dims.Count == present.Dims.Count
        && past.Dims.Zip(present.Dims, (a, b) => a == b || !IsLength(a) || !IsLength(b)).All(same => same);

    /// <summary>Whether a dimension is fixed.</summary>
    public static bool IsLength(string dimension) => long.TryParse(dimension, out _);
}
