namespace Lorq.Quantization;

/// <summary>
/// H = E[xᵀx] of one input tensor (K×K, fp64), with its regularised factors computed once and shared by every site that
/// reads the tensor. Thread-safe. H ← H + λI, λ = 0.01·mean(diag H), ×10 on a Cholesky failure, at most 4 times, then diag(H).
/// </summary>
public sealed class SecondMoment
{
    /// <summary>Wraps accumulated sums.</summary>
    /// <param name="k">Width of the input.</param>
    /// <param name="values">Row-major K×K, E[xᵀx], symmetric; owned by the new object.</param>
    /// <param name="rows">How many input rows were averaged.</param>
    public SecondMoment(int k, double[] values, long rows) => throw new NotImplementedException();

    /// <summary>Width of the input.</summary>
    public int K => throw new NotImplementedException();

    /// <summary>Row-major K×K.</summary>
    public double[] Values => throw new NotImplementedException();

    /// <summary>Input rows averaged.</summary>
    public long Rows => throw new NotImplementedException();

    /// <summary>True when every regularisation failed and only diag(H) is used; the report says so.</summary>
    public bool IsDiagonalFallback => throw new NotImplementedException();

    /// <summary>Upper Cholesky factor U of the inverse of the regularised H (H⁻¹ = UᵀU), row-major K×K fp32: what GPTQ reads.</summary>
    public float[] InverseUpperFactor() => throw new NotImplementedException();

    /// <summary>tr(EᵀHE) / tr(WᵀHW) for E = W − Ŵ (both row-major K×N), with the plain H, accumulated in fp64.</summary>
    public double RelativeError(ReadOnlySpan<float> weight, ReadOnlySpan<float> replacement, int n) => throw new NotImplementedException();

    /// <summary>The same with H = diag(weights per column) over columns: Σ c_n‖E_n‖² / Σ c_n‖W_n‖²; null weights count equally.</summary>
    public static double RelativeErrorWithoutMoment(
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> replacement,
        int k,
        int n,
        float[]? columnWeights
    ) => throw new NotImplementedException();
}
