namespace Lorq.Runtime.Interop;

/// <summary>Indices into the function table <c>OrtApi</c> of <c>onnxruntime_c_api.h</c>, named as there without underscores.</summary>
internal enum Slot
{
    CreateStatus = 0,
    GetErrorMessage = 2,
    CreateCustomOpDomain = 26,
    CustomOpDomainAdd = 27,
    AddCustomOpDomain = 28,
    GetTensorMutableData = 51,
    CreateTensorTypeAndShapeInfo = 57,
    SetTensorElementType = 58,
    SetDimensions = 59,
    GetTensorElementType = 60,
    GetDimensionsCount = 61,
    GetDimensions = 62,
    GetTensorTypeAndShape = 65,
    KernelInfoGetAttributeInt64 = 86,
    KernelContextGetInputCount = 88,
    KernelContextGetInput = 90,
    KernelContextGetOutput = 91,
    ReleaseStatus = 93,
    ReleaseTensorTypeAndShapeInfo = 99,
    KernelInfoGetInputCount = 230,
    KernelInfoGetInputName = 232,
    KernelInfoGetNodeName = 244,
    KernelInfoGetConstantInputTensor = 249,
    ShapeInferContextGetInputTypeShape = 268,
    ShapeInferContextGetAttribute = 269,
    ShapeInferContextSetOutputTypeShape = 270,
    ReadOpAttr = 272,
    KernelContextParallelFor = 274,
}
