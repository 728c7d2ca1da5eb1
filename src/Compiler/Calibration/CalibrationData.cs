namespace Lorq.Calibration;

/// <summary>Interim.</summary>
public static class CalibrationData
{
    /// <summary>Interim.</summary>
    public static DataSet Load(
        IReadOnlyList<string> paths,
        IReadOnlyList<TensorSignature> inputs,
        int batchSize,
        CancellationToken cancellationToken
    ) => throw new NotImplementedException();
}
