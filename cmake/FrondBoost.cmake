# Finds Boost and sets FROND_BOOST_FIBER_TARGETS: Boost.Fiber and Boost.Context, installed or built from source.
find_package(Threads REQUIRED)

if(FROND_BOOST_STATIC)
    set(Boost_USE_STATIC_LIBS ON)
endif()
if(FROND_SANITIZE)
    find_package(Boost 1.81 CONFIG REQUIRED)
else()
    find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS fiber context)
endif()
if(Boost_VERSION VERSION_EQUAL 1.88.0)
    message(FATAL_ERROR "Boost 1.88.0 corrupts the exception state of fibers (boostorg/context#302). "
                        "Use 1.81 to 1.87, or 1.89 and later.")
endif()

if(FROND_SANITIZE)
    include(FrondSanitize)
    include(FrondBoostFromSource)
    set(FROND_BOOST_FIBER_TARGETS frond_boost_fiber)
else()
    set(FROND_BOOST_FIBER_TARGETS Boost::fiber Boost::context)
endif()
