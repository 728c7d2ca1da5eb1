namespace Lorq.Runtime;

/// <summary>How activations meet quantized weights.</summary>
public enum ActivationMode
{
    /// <summary>Rounded to int8 per row and run of 32 inputs, products summed exactly in integers: the fastest. Codebook weights and low-rank pairs still meet exact activations.</summary>
    Int8,

    /// <summary>As they are, in float32.</summary>
    Exact,
}
